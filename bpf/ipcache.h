/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Addresses -> identity and slot. */
#pragma once

/* The identity and slot of an address: its exact entry, else its longest prefix, else
 * the world of its family. Reads an entry by one 64-bit load.
 */
static __always_inline identity_slot_t ipcache_lookup(__u32 family, const __be32 *address)
{
	const struct ipcache_info *info;

	if (family == 4) {
		struct ipcache4_key key = { .address = address[0] };
		struct ipcache4_cidr_key cidr = { .prefix_len = 32, .address = address[0] };

		info = bpf_map_lookup_elem(&ipcache4, &key);
		if (info)
			return *(volatile __u64 *)&info->identity_slot;
		info = bpf_map_lookup_elem(&ipcache4_cidr, &cidr);
		if (info)
			return *(volatile __u64 *)&info->identity_slot;
		return identity_slot(IDENTITY_WORLD_IPV4, IDENTITY_WORLD_IPV4);
	} else {
		struct ipcache6_key key = {
			.address = { address[0], address[1], address[2], address[3] },
		};
		struct ipcache6_cidr_key cidr = {
			.prefix_len = 128,
			.address = { address[0], address[1], address[2], address[3] },
		};

		info = bpf_map_lookup_elem(&ipcache6, &key);
		if (info)
			return *(volatile __u64 *)&info->identity_slot;
		info = bpf_map_lookup_elem(&ipcache6_cidr, &cidr);
		if (info)
			return *(volatile __u64 *)&info->identity_slot;
		return identity_slot(IDENTITY_WORLD_IPV6, IDENTITY_WORLD_IPV6);
	}
}
