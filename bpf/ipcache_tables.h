/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The tables of all addresses: the exact entry of one, else its longest prefix, else the world
 * of its family.
 */
#pragma once

static __always_inline identity_slot_t ipcache4_tables_lookup(__be32 address)
{
	struct ipcache4_key key = { .address = address };
	struct ipcache4_cidr_key cidr = { .prefix_len = 32, .address = address };
	const struct ipcache_info *info;

	info = bpf_map_lookup_elem(&ipcache4, &key);
	if (info)
		return *(volatile __u64 *)&info->identity_slot;
	info = bpf_map_lookup_elem(&ipcache4_cidr, &cidr);
	if (info)
		return *(volatile __u64 *)&info->identity_slot;
	return identity_slot(IDENTITY_WORLD_IPV4, IDENTITY_WORLD_IPV4);
}

static __always_inline identity_slot_t ipcache6_tables_lookup(const __be32 *address)
{
	struct ipcache6_key key = {
		.address = { address[0], address[1], address[2], address[3] },
	};
	struct ipcache6_cidr_key cidr = {
		.prefix_len = 128,
		.address = { address[0], address[1], address[2], address[3] },
	};
	const struct ipcache_info *info;

	info = bpf_map_lookup_elem(&ipcache6, &key);
	if (info)
		return *(volatile __u64 *)&info->identity_slot;
	info = bpf_map_lookup_elem(&ipcache6_cidr, &cidr);
	if (info)
		return *(volatile __u64 *)&info->identity_slot;
	return identity_slot(IDENTITY_WORLD_IPV6, IDENTITY_WORLD_IPV6);
}

static __always_inline identity_slot_t ipcache_tables_lookup(__u32 family,
							     const __be32 *address)
{
	return family == 4 ? ipcache4_tables_lookup(address[0]) : ipcache6_tables_lookup(address);
}
