/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The maps that ipcache.h asks. */
#pragma once

/* address -> identity, slot; exact. Written by the agent. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_IPCACHE);
	__type(key, struct ipcache4_key);
	__type(value, struct ipcache_info);
} ipcache4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_IPCACHE);
	__type(key, struct ipcache6_key);
	__type(value, struct ipcache_info);
} ipcache6 SEC(".maps");

/* prefix -> identity, slot; asked after the exact maps. Written by the agent. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_IPCACHE);
	__type(key, struct ipcache4_cidr_key);
	__type(value, struct ipcache_info);
} ipcache4_cidr SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_IPCACHE);
	__type(key, struct ipcache6_cidr_key);
	__type(value, struct ipcache_info);
} ipcache6_cidr SEC(".maps");
