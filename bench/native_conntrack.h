/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* bpf/conntrack.h on the emulator's tables, which take the place of the kernel's maps. */
#pragma once

/* Whose tables; set before packets run. */
static const struct native_state *native;

/* The maps that bpf/conntrack.h names: their addresses tell them apart. */
static char conntrack4, conntrack6, identities;

static __always_inline void *bpf_map_lookup_elem(const void *map, const void *key)
{
	const __u32 size = sizeof(struct ct_entry);
	const struct hash_table *table;
	__u32 position;

	if (map == &identities) {
		table = at(native, native->identities);
		position = table_find(native, native->identities, key, sizeof(__u32));
		return position == NOT_FOUND ? 0 : (void *)at(native, table->values + position * 4);
	}
	if (map == &conntrack4) {
		table = at(native, native->conntrack4);
		position = table_find(native, native->conntrack4, key, sizeof(struct ct4_key));
	} else {
		table = at(native, native->conntrack6);
		position = table_find(native, native->conntrack6, key, sizeof(struct ct6_key));
	}
	return position == NOT_FOUND ? 0 : (void *)at(native, table->values + position * size);
}

enum { BPF_ANY = 0 };

/* The emulator has run the packets first, so that every flow which policy allows is there. */
static __always_inline long bpf_map_update_elem(const void *map, const void *key,
						const void *value, __u64 flags)
{
	(void)map;
	(void)key;
	(void)value;
	(void)flags;
	return -1;
}

/* Nor does any policy end a flow here. */
static __always_inline long bpf_map_delete_elem(const void *map, const void *key)
{
	(void)map;
	(void)key;
	return -1;
}

#include "../bpf/identity.h"
#include "../bpf/conntrack.h"
