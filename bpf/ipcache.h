/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Addresses and marks -> identity and slot. */
#pragma once

static __always_inline identity_slot_t identity_slot(__u32 identity, __u32 slot)
{
	return (__u64)slot << 32 | identity;
}

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

/* The slot that stands for an identity without one: its scope's. Slot 0 is the broad
 * profile, which is all that is known of a cluster identity.
 */
static __always_inline __u32 scope_fallback(__u32 identity, __u32 family)
{
	switch (identity >> IDENTITY_SCOPE_SHIFT) {
	case IDENTITY_SCOPE_LOCAL:
		return family == 4 ? IDENTITY_WORLD_IPV4 : IDENTITY_WORLD_IPV6;
	case IDENTITY_SCOPE_REMOTE_NODE:
		return IDENTITY_REMOTE_NODE;
	default:
		return identity <= IDENTITY_RESERVED_MAX ? identity : 0;
	}
}

/* The slot of an identity that came without one; 0: none. */
static __always_inline __u32 identity_to_slot(__u32 identity)
{
	const __u32 *slot = bpf_map_lookup_elem(&identities, &identity);

	return slot ? *slot : 0;
}

static __always_inline __u32 mark_identity(__u32 mark)
{
	return mark >> 16 | (mark & 0xFF) << 16;
}

static __always_inline __u32 identity_mark(__u32 identity)
{
	return identity << 16 | MARK_IDENTITY | (identity >> 16 & 0xFF);
}
