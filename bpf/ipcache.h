/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Addresses -> identity and slot.
 *
 * Two answers to one question. The tables know every address and every CIDR: an exact hash,
 * then a trie of prefixes. Before them stand blocks of 256 cells for where addresses are
 * dense, as the pods of a node are: a multibit trie of strides 16, 8, 8 for IPv4, and one
 * block for a /120 of IPv6. A cell holds
 *
 *   0                    not known here: ask the tables
 *   bit 63, block        the next byte of the address chooses a cell of that block
 *   identity, slot       the answer, which is what the tables say
 *
 * The agent writes the tables first and then the cells, each by one store; a cell may be 0 at
 * any time. A block that no cell names is used again after a grace period. All reads of an
 * answer are single 64-bit loads.
 */
#pragma once

#include "ipcache_tables.h"

#define IPCACHE_POINTER (1ULL << IPCACHE_POINTER_SHIFT)

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

static __always_inline identity_slot_t ipcache6_blocks_lookup(const __be32 *address)
{
	__u32 last = bpf_ntohl(address[3]);
	struct ipcache6_key prefix = {
		.address = { address[0], address[1], address[2], bpf_htonl(last & ~0xFFU) },
	};
	const __u64 *block = bpf_map_lookup_elem(&ipcache6_blocks, &prefix);

	return block ? ipcache_block_cell(*(volatile __u64 *)block, last & 0xFF) : 0;
}

/* The identity and slot of an address. */
static __always_inline identity_slot_t ipcache_lookup(__u32 family, const __be32 *address)
{
	identity_slot_t found = family == 4 ? ipcache4_blocks_lookup(address[0]) :
					      ipcache6_blocks_lookup(address);

	return found ? found : ipcache_tables_lookup(family, address);
}
