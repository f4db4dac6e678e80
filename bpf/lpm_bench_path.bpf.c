/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The same stages on Cilium's layout; see lpm_twin.h. */
#define LPM_TWIN
#include "bench_path.bpf.c"
