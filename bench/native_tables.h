/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The emulator's tables, images and ipcache, as they lie in the module's memory. */
#pragma once

/* An image knows its end, as the kernel's map and the emulator do. */
struct native_image {
	const __u8 *lines;
	__u32 count;
};

#define IMAGE struct native_image
#define IMAGE_LINE(image, number)					\
	({								\
		__u32 line_number = (number);				\
		line_number < (image).count ?				\
			(const void *)((image).lines +			\
				       (__u64)line_number * IMAGE_LINE_BYTES) :	\
			(const void *)0;				\
	})

#include "../bpf/image.h"

/* Where the emulator keeps things: the module's memory, and addresses inside it. */
struct native_state {
	const __u8 *memory;
	__u32 endpoint_policies;	/* struct endpoint_policy by endpoint id */
	__u32 policy_tables;		/* struct policy_table by policy number */
	__u32 images;			/* addresses of images: class S, then M, then L */
	__u32 ipcache4;			/* struct hash_table */
	__u32 ipcache6;
	__u32 ipcache4_cidr;
	__u32 ipcache6_cidr;
	__u32 lengths4;			/* struct length_list */
	__u32 lengths6;
	__u32 trie;		/* root of the trie of IPv4 addresses, 0: there is none */
	__u32 infos;		/* struct hash_table: keys are what the trie's entries name */
	__u32 endpoint_configs;	/* struct native_config by endpoint id */
	__u32 endpoints;	/* struct hash_table */
	__u32 conntrack4;
	__u32 conntrack6;
	__u32 metrics;		/* struct metrics_value */
	__u32 identities;	/* struct hash_table */
	__u32 pad;
};

/* asm/endpoint_config.ts */
struct native_config {
	__u32 present;
	__u32 ifindex;
	__be32 ipv4;
	__u32 events;
	__be32 ipv6[4];
	__u32 event_interval;
	__u32 unused[3];
};

/* asm/table.ts */
struct hash_table {
	__u32 keys;
	__u32 values;
	__u32 index;
	__u32 mask;
	__u32 count;
	__u32 capacity;
	__u32 limit;
};

/* asm/ipcache.ts: prefix lengths in use, longest first. */
struct length_list {
	__u32 count;
	__u32 lengths[];
};

struct native_query {
	__u32 policy;
	__u32 direction;
	__u32 slot;
	__u32 key;
};

struct native_answer {
	__u32 cookie;
	__u32 verdict;		/* and reason << 8 when no entry was reached */
};

enum {
	NOT_FOUND = 0xFFFFFFFF,
	/* asm/table.ts: a slot of an index is tag << TAG_SHIFT | position + 1. */
	TAG_SHIFT = 20,
	POSITION_MASK = (1 << TAG_SHIFT) - 1,
};

static __always_inline const void *at(const struct native_state *state, __u32 address)
{
	return state->memory + address;
}

/* -- asm/hash.ts, asm/table.ts -- */

static __always_inline __u32 mix32(__u32 value)
{
	value ^= value >> 16;
	value *= 0x85EBCA6B;
	value ^= value >> 13;
	value *= 0xC2B2AE35;
	return value ^ (value >> 16);
}

static __always_inline __u64 load64(const void *address)
{
	__u64 word;

	__builtin_memcpy(&word, address, sizeof(word));
	return word;
}

static __always_inline __u64 round64(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * 0x9E3779B97F4A7C15;
	return hash ^ (hash >> 32);
}

static __always_inline __u32 fold(__u64 hash)
{
	return (__u32)(hash ^ (hash >> 29));
}

/* Of a key of 16 bytes; of a struct ct4_key that of the reply's as well. */
static __always_inline __u32 hash_flow4(__u64 addresses, __u64 ports)
{
	__u64 source = (addresses & 0xFFFFFFFF) | (ports & 0xFFFF) << 32;
	__u64 destination = addresses >> 32 | (ports >> 16 & 0xFFFF) << 32;
	__u64 rest = ports >> 32;

	rest ^= source == destination ? rest & 0x100 : (__u64)(source > destination) << 8;
	return fold(round64(round64(0, source) + round64(0, destination), rest));
}

/* The same of 40 bytes. */
static __always_inline __u32 hash_flow6(const void *key)
{
	__u64 ports = load64(key + 32);
	__u64 source = round64(round64(ports & 0xFFFF, load64(key)), load64(key + 8));
	__u64 destination =
		round64(round64(ports >> 16 & 0xFFFF, load64(key + 16)), load64(key + 24));
	__u64 rest = ports >> 32;

	rest ^= source == destination ? rest & 0x100 : (__u64)(source > destination) << 8;
	return fold(round64(source + destination, rest));
}

/* Hash of a key of 4, 8, 16, 20 or 40 bytes. */
static __always_inline __u32 hash_key(const void *key, __u32 size)
{
	__u64 hash;

	if (size == 4)
		return mix32(*(const __u32 *)key);
	if (size == 16)
		return hash_flow4(load64(key), load64(key + 8));
	if (size == 40)
		return hash_flow6(key);
	hash = round64(0, load64(key));
	if (size == 20) {
		hash = round64(hash, load64(key + 8));
		hash = round64(hash, *(const __u32 *)(key + 16));
	}
	return fold(hash);
}

static __always_inline int keys_equal(const void *a, const void *b, __u32 size)
{
	__u64 difference;

	if (size == 4)
		return *(const __u32 *)a == *(const __u32 *)b;
	difference = load64(a) ^ load64(b);
	if (size >= 16)
		difference |= load64(a + 8) ^ load64(b + 8);
	if (size == 40)
		return !(difference | (load64(a + 16) ^ load64(b + 16)) |
			 (load64(a + 24) ^ load64(b + 24)) | (load64(a + 32) ^ load64(b + 32)));
	if (size == 20)
		difference |= *(const __u32 *)(a + 16) ^ *(const __u32 *)(b + 16);
	return !difference;
}

static __always_inline __u32 table_find(const struct native_state *state, __u32 address,
					const void *key, __u32 key_size)
{
	const struct hash_table *table = at(state, address);
	const __u32 *index = at(state, table->index);
	const __u8 *keys = at(state, table->keys);
	__u32 hash, slot, position, entry;

	if (!table->count)
		return NOT_FOUND;
	hash = hash_key(key, key_size);
	for (slot = hash & table->mask; (entry = index[slot]);
	     slot = (slot + 1) & table->mask) {
		if ((entry ^ hash) >> TAG_SHIFT)
			continue;
		position = (entry & POSITION_MASK) - 1;
		if (keys_equal(keys + (__u64)position * key_size, key, key_size))
			return position;
	}
	return NOT_FOUND;
}

/* -- asm/ipcache.ts -- */

static __always_inline identity_slot_t
table_identity_slot(const struct native_state *state, __u32 address, __u32 position)
{
	const struct hash_table *table = at(state, address);
	const struct ipcache_info *values = at(state, table->values);

	return values[position].identity_slot;
}

static __always_inline __u32 mask_word(__u32 word, int bits)
{
	bits = bits < 0 ? 0 : bits > 32 ? 32 : bits;
	return word & __builtin_bswap32((__u32)(0xFFFFFFFFull << (32 - bits)));
}

static identity_slot_t cidr4_lookup(const struct native_state *state, __be32 address)
{
	const struct length_list *list = at(state, state->lengths4);
	__u32 i, position;

	for (i = 0; i < list->count; i++) {
		struct ipcache4_cidr_key key = {
			.prefix_len = list->lengths[i],
			.address = mask_word(address, list->lengths[i]),
		};

		position = table_find(state, state->ipcache4_cidr, &key, sizeof(key));
		if (position != NOT_FOUND)
			return table_identity_slot(state, state->ipcache4_cidr, position);
	}
	return (__u64)IDENTITY_WORLD_IPV4 << 32 | IDENTITY_WORLD_IPV4;
}

/* The first `bits` bits of a word in network byte order; all of 64 and more. */
static __always_inline __u64 mask_word64(__u64 word, int bits)
{
	if (bits >= 64)
		return word;
	return bits <= 0 ? 0 : word & __builtin_bswap64(~0ull << (64 - bits));
}

static identity_slot_t cidr6_lookup(const struct native_state *state, const __be32 *address)
{
	const struct length_list *list = at(state, state->lengths6);
	__u64 low = load64(address), high = load64(address + 2);
	__u32 i, position;

	for (i = 0; i < list->count; i++) {
		__u64 first = mask_word64(low, list->lengths[i]);
		__u64 second = mask_word64(high, list->lengths[i] - 64);
		/* A struct ipcache6_cidr_key, in the words in which it is read. */
		__u64 key[] = {
			list->lengths[i] | first << 32,
			first >> 32 | second << 32,
			second >> 32,
		};

		position = table_find(state, state->ipcache6_cidr, key,
				      sizeof(struct ipcache6_cidr_key));
		if (position != NOT_FOUND)
			return table_identity_slot(state, state->ipcache6_cidr, position);
	}
	return (__u64)IDENTITY_WORLD_IPV6 << 32 | IDENTITY_WORLD_IPV6;
}

/* asm/address_trie.ts: an entry is info | length << 24, or a child's address >> 6 | CHILD. */
static __always_inline identity_slot_t trie_lookup(const struct native_state *state,
						   __be32 address)
{
	const struct hash_table *infos = at(state, state->infos);
	const identity_slot_t *info = at(state, infos->keys);
	__u32 bits = __builtin_bswap32(address);
	__u32 entry = ((const __u32 *)at(state, state->trie))[bits >> 16];

	if (entry & 0x80000000) {
		entry = ((const __u32 *)at(state, entry << 6))[bits >> 8 & 0xFF];
		if (entry & 0x80000000)
			entry = ((const __u32 *)at(state, entry << 6))[bits & 0xFF];
	}
	return info[entry & 0xFFFFFF];
}

static __always_inline identity_slot_t
ipcache_lookup(const struct native_state *state, __u32 family, const __be32 *address)
{
	__u32 position;

	if (family == 4 && state->trie)
		return trie_lookup(state, address[0]);
	if (family == 4) {
		position = table_find(state, state->ipcache4, address,
				      sizeof(struct ipcache4_key));
		return position != NOT_FOUND ?
			       table_identity_slot(state, state->ipcache4, position) :
			       cidr4_lookup(state, address[0]);
	}
	position = table_find(state, state->ipcache6, address, sizeof(struct ipcache6_key));
	return position != NOT_FOUND ?
		       table_identity_slot(state, state->ipcache6, position) :
		       cidr6_lookup(state, address);
}

/* -- bpf/policy.h -- */

/* The image of a table in the directory of a class, which starts at `first`. */
#define CLASS_LOOKUP(class, first)								\
	({											\
		const struct image_geometry geometry =						\
			IMAGE_GEOMETRY(IMAGE_##class##_SLOTS, IMAGE_##class##_ENTRIES);		\
		__u32 image_index = table & IMAGE_INDEX_MASK;					\
		struct native_image image = { 0, IMAGE_##class##_LINES };			\
		__u32 address = image_index < IMAGE_##class##_TABLES ?				\
					images[(first) + image_index] : 0;			\
		image.lines = at(state, address);						\
		address ? image_lookup(image, geometry, direction, slot, key) : 0;		\
	})

static __always_inline const struct policy_entry *
policy_table_lookup(const struct native_state *state, __u32 table, __u32 direction,
		    __u32 slot, __u32 key)
{
	const __u32 *images = at(state, state->images);

	switch (table >> IMAGE_CLASS_SHIFT) {
	case 0:
		return CLASS_LOOKUP(S, 0);
	case 1:
		return CLASS_LOOKUP(M, IMAGE_S_TABLES);
	case 2:
		return CLASS_LOOKUP(L, IMAGE_S_TABLES + IMAGE_M_TABLES);
	default:
		return 0;
	}
}

static __always_inline struct native_answer reason_answer(__u32 reason)
{
	return (struct native_answer){ .verdict = reason << 8 };
}

static __always_inline struct native_answer
policy_decide(const struct native_state *state, __u32 policy, __u32 direction, __u32 slot,
	      __u32 key)
{
	const struct policy_table *tables = at(state, state->policy_tables);
	const struct policy_entry *entry;

	if (policy >= MAX_POLICIES || !tables[policy].table)
		return reason_answer(DROP_EP_NOT_READY);
	entry = policy_table_lookup(state, tables[policy].table, direction, slot, key);
	if (!entry)
		return reason_answer(DROP_POLICY_IMAGE);
	return (struct native_answer){ .cookie = entry->cookie, .verdict = entry->verdict };
}
