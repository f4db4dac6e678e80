/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The same stages on Cilium's policy map, but an exact hash of addresses before the trie. */
#define LPM_TWIN
#define EXACT_IPCACHE
#include "bench_path.bpf.c"
