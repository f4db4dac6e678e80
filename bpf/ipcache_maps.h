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

/* chunk number -> cells of its blocks. Written by the agent, which maps a chunk's memory and
 * stores each cell by one aligned store. The chunks' size is fixed (no BPF_F_INNER_MAP), which
 * lets the kernel inline the lookup of a cell.
 */
struct ipcache_chunk {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, IPCACHE_CHUNK_BLOCKS * IPCACHE_BLOCK_CELLS);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u64));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, IPCACHE_CHUNKS);
	__type(key, __u32);
	__array(values, struct ipcache_chunk);
} ipcache_chunks SEC(".maps");

/* first 16 bits of an IPv4 address -> cell. Written by the agent, as above. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, IPCACHE_ROOT_CELLS);
	__type(key, __u32);
	__type(value, __u64);
} ipcache4_root SEC(".maps");

/* first 16 bits of an IPv6 address -> cell. Written by the agent, as above. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, IPCACHE_ROOT_CELLS);
	__type(key, __u32);
	__type(value, __u64);
} ipcache6_root SEC(".maps");

/* block of IPv6 addresses -> what they have in common. Written by the agent before a cell names
 * the block.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, IPCACHE_CHUNKS * IPCACHE_CHUNK_BLOCKS);
	__type(key, __u32);
	__type(value, struct ipcache6_prefix);
} ipcache6_prefixes SEC(".maps");
