/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The same datapath on Cilium's layout of addresses and policies; see lpm_twin.h. */
#define LPM_TWIN
#include "datapath.bpf.c"
