/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Identities, their slots, and the marks that carry them. */
#pragma once

static __always_inline identity_slot_t identity_slot(__u32 identity, __u32 slot)
{
	return (__u64)slot << 32 | identity;
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
