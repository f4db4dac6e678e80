/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Everything a program reads that is neither packet, map nor constant. A constant of
 * the same object chooses between the real source and a test map, so that what is
 * tested through time is what runs in production.
 */
#pragma once

#define NANOSECONDS_PER_SECOND 1000000000ULL

/* Nanoseconds since boot (CLOCK_MONOTONIC). */
static __always_inline __u64 ambient_now(void)
{
	const struct ambient *ambient;
	__u32 zero = 0;

	if (!CONFIG(ambient))
		return bpf_ktime_get_ns();
	ambient = bpf_map_lookup_elem(&ambient_input, &zero);
	return ambient ? ambient->now : 0;
}

/* The same in seconds, as lifetimes are told. */
static __always_inline __u32 ambient_seconds(void)
{
	return ambient_now() / NANOSECONDS_PER_SECOND;
}
