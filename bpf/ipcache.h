/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Addresses -> identity and slot.
 *
 * Two answers to one question. The tables know every address and every CIDR: an exact hash,
 * then a trie of prefixes. Before them stands a multibit trie of blocks of 256 cells for where
 * addresses are dense, as the pods of a node are. After a root of 16 bits each block goes by one
 * byte; for IPv6, bytes that all entries below a cell have in common are skipped, and compared in
 * the end. A cell holds
 *
 *   0                    not known here: ask the tables
 *   bit 63, byte, block  that byte of the address (IPv4: the next) chooses a cell of that block
 *   identity, slot       the answer, which is what the tables say
 *
 * The agent writes the tables first and then the cells, each by one store; a cell may be 0 at
 * any time. A block that no cell names is used again after a grace period. All reads of an
 * answer are single 64-bit loads.
 */
#pragma once

#include "ipcache_tables.h"

#define IPCACHE_POINTER (1ULL << IPCACHE_POINTER_SHIFT)
#define IPCACHE6_ROOT_BYTES 2

/* The cell of a block that another cell names, 0 if it names none. */
static __always_inline __u64 ipcache_block_cell(__u64 pointer, __u32 byte)
{
	__u32 chunk = (__u32)pointer / IPCACHE_CHUNK_BLOCKS;
	__u32 index = (__u32)pointer % IPCACHE_CHUNK_BLOCKS * IPCACHE_BLOCK_CELLS + byte;
	void *cells = bpf_map_lookup_elem(&ipcache_chunks, &chunk);
	const __u64 *cell;

	if (!cells)
		return 0;
	cell = bpf_map_lookup_elem(cells, &index);
	return cell ? *(volatile __u64 *)cell : 0;
}

/* The answer of the blocks, 0 if they have none. */
static __always_inline identity_slot_t ipcache4_blocks_lookup(__be32 address)
{
	__u32 host = bpf_ntohl(address);
	__u32 prefix = host >> 16;
	const __u64 *root = bpf_map_lookup_elem(&ipcache4_root, &prefix);
	__u64 cell;

	if (!root)
		return 0;
	cell = *(volatile __u64 *)root;
	if (!(cell & IPCACHE_POINTER))
		return cell;
	cell = ipcache_block_cell(cell, host >> 8 & 0xFF);
	if (!(cell & IPCACHE_POINTER))
		return cell;
	return ipcache_block_cell(cell, host & 0xFF);
}

/* Whether an address is one of those of a block. */
static __always_inline int ipcache6_is_in(__u32 block, const struct ipcache6_key *key)
{
	const struct ipcache6_prefix *prefix = bpf_map_lookup_elem(&ipcache6_prefixes, &block);
	const __be32 *address = key->address;

	return prefix && !(((prefix->address[0] ^ address[0]) & prefix->mask[0]) |
			   ((prefix->address[1] ^ address[1]) & prefix->mask[1]) |
			   ((prefix->address[2] ^ address[2]) & prefix->mask[2]) |
			   ((prefix->address[3] ^ address[3]) & prefix->mask[3]));
}

/* The answer of the blocks, 0 if they have none. A global function: the verifier walks its loop
 * once.
 */
__noinline __u64 ipcache6_blocks_lookup(const struct ipcache6_key *address)
{
	const __u8 *bytes = (const __u8 *)address;
	__u32 i, block, prefix;
	const __u64 *root;
	__u64 cell;

	/* Only for the verifier, which does not see the callers from here. */
	if (!address)
		return 0;
	prefix = bytes[0] << 8 | bytes[1];
	root = bpf_map_lookup_elem(&ipcache6_root, &prefix);
	if (!root)
		return 0;
	cell = *(volatile __u64 *)root;
	if (!(cell & IPCACHE_POINTER))
		return cell;
#pragma clang loop unroll(disable)
	for (i = IPCACHE6_ROOT_BYTES; i < 16; i++) {
		block = cell;
		cell = ipcache_block_cell(cell, bytes[cell >> IPCACHE_BYTE_SHIFT & 15]);
		if (!(cell & IPCACHE_POINTER))
			return ipcache6_is_in(block, address) ? cell : 0;
	}
	return 0;
}

/* The identity and slot of an address. */
static __always_inline identity_slot_t ipcache_lookup(__u32 family, const __be32 *address)
{
	identity_slot_t found = family == 4 ? ipcache4_blocks_lookup(address[0]) :
					      ipcache6_blocks_lookup((const void *)address);

	return found ? found : ipcache_tables_lookup(family, address);
}
