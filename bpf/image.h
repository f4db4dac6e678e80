/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The policy image and how a packet's verdict is read from it.
 *
 *   line 0                header
 *   line 1                unused (keeps blocks aligned to 128 bytes)
 *   line 2 ...            ingress cells, u16 by slot; then egress cells
 *   ENTRIES ...           policy entries of 16 bytes; entry 0 is VERDICT_NONE
 *   BLOCKS ...            blocks of two lines, 128 bytes; block 0 is never used
 *
 * A cell names a profile by its first block; 0 stands for the broad profile of that
 * direction. A profile is the sorted list of disjoint ranges that cover the whole
 * key space, key = protocol << 16 | port:
 *
 *   depth 0, up to 16 ranges     [starts of ranges | entry numbers]
 *   depth 1, up to 256           [starts of leaves | unused], 1-16 leaf blocks
 *   depth 2, up to 4096          [starts of children | unused], then 1-16 children
 *                                of 17 blocks, each like a depth-1 profile
 *
 * Unused starts are 0xFFFFFFFF. Word 0 of the first line would always be 0 (the
 * first range starts at key 0), so it holds the profile's depth and flags instead,
 * and the search never reads word 0.
 *
 * An unmerged profile holds only the peer's own ranges (VERDICT_NONE elsewhere) and
 * is combined with the broad profile at run time.
 *
 * The same code is compiled for BPF, where an image is an array map of lines, and
 * for the host (the benchmark's native baseline), where it is memory: the including
 * file defines IMAGE, IMAGE_LINE(image, number) and __always_inline before.
 */
#pragma once

struct image_geometry {
	__u32 slots;
	__u32 entries_line;
	__u32 blocks_line;
};

#define IMAGE_ENTRIES_LINE(slots) \
	(IMAGE_CELLS_LINE + 2 * (slots) / IMAGE_CELLS_PER_LINE)
#define IMAGE_BLOCKS_LINE(slots, entries) \
	(IMAGE_ENTRIES_LINE(slots) + (entries) / IMAGE_ENTRIES_PER_LINE)
#define IMAGE_GEOMETRY(slots, entries) \
	{ slots, IMAGE_ENTRIES_LINE(slots), IMAGE_BLOCKS_LINE(slots, entries) }

/* Number of starts in words 1-15 that are <= key: starts 4, 8 and 12 name the group of
 * four, its other three the word. Arithmetic instead of branches: the ranges of a busy
 * policy are hit at random, which no predictor follows.
 */
static __always_inline __u32 image_search(const struct image_words_line *line, __u32 key)
{
	const __u32 *words = line->words;
	__u32 index;

#define NOT_ABOVE(start) ((__u32)(((__u64)(start) - key - 1) >> 63))
	index = 4 * (NOT_ABOVE(words[4]) + NOT_ABOVE(words[8]) + NOT_ABOVE(words[12]));
	/* Keeps clang from moving the bound to where the verifier does not see it. */
	asm("" : "+r"(index));
	words += index & 12;
	return index + NOT_ABOVE(words[1]) + NOT_ABOVE(words[2]) + NOT_ABOVE(words[3]);
#undef NOT_ABOVE
}

/* Follows one profile. Returns its entry for the key, or NULL when the image is
 * damaged; *flags receives the profile's word 0.
 */
static __always_inline const struct policy_entry *
image_profile_lookup(IMAGE image, const struct image_geometry geometry, __u32 block,
		     __u32 key, __u32 *flags)
{
	const struct image_entries_line *entries;
	const struct image_words_line *line;
	__u32 depth, index, entry;

	line = IMAGE_LINE(image, geometry.blocks_line + block * 2);
	if (!line)
		return 0;
	*flags = line->words[0];
	depth = *flags & PROFILE_DEPTH_MASK;
	index = image_search(line, key);
#pragma clang loop unroll(disable)
	for (; depth; depth--) {
		block += 1 + (depth == 1 ? index : index * IMAGE_CHILD_STRIDE);
		line = IMAGE_LINE(image, geometry.blocks_line + block * 2);
		if (!line)
			return 0;
		index = image_search(line, key);
	}
	line = IMAGE_LINE(image, geometry.blocks_line + block * 2 + 1);
	if (!line)
		return 0;
	entry = line->words[index & (IMAGE_KEYS_PER_LINE - 1)];
	entries = IMAGE_LINE(image, geometry.entries_line + entry / IMAGE_ENTRIES_PER_LINE);
	if (!entries)
		return 0;
	return &entries->entries[entry % IMAGE_ENTRIES_PER_LINE];
}

/* SEMANTICS "Lookup": the broad entry wins where the peer has none, or by higher
 * precedence, or at equal precedence by a strictly longer prefix; a tie goes to the
 * peer's own.
 */
static __always_inline int broad_wins(const struct policy_entry *own,
				      const struct policy_entry *broad)
{
	if (broad->verdict == VERDICT_NONE)
		return 0;
	if (own->verdict == VERDICT_NONE)
		return 1;
	if (broad->precedence != own->precedence)
		return broad->precedence > own->precedence;
	return broad->prefix_len > own->prefix_len;
}

/* The entry that decides about (direction, peer's slot, key), or NULL when the image
 * is damaged.
 */
static __always_inline const struct policy_entry *
image_lookup(IMAGE image, const struct image_geometry geometry, __u32 direction,
	     __u32 slot, __u32 key)
{
	const struct policy_entry *own, *entry;
	const struct image_cells_line *cells;
	const struct image_header *header;
	__u32 block, flags, pass;

	/* A slot beyond this class has no cell of its own, which is what cell 0 says. */
	if (slot >= geometry.slots)
		slot = 0;
	cells = IMAGE_LINE(image, IMAGE_CELLS_LINE +
			   (direction * geometry.slots + slot) / IMAGE_CELLS_PER_LINE);
	if (!cells)
		return 0;
	block = cells->cells[slot % IMAGE_CELLS_PER_LINE];
	if (!block) {
		header = IMAGE_LINE(image, 0);
		if (!header)
			return 0;
		block = header->broad_block[direction & 1];
	}
	/* A loop instead of two calls halves the code that the verifier walks. */
	own = 0;
#pragma clang loop unroll(disable)
	for (pass = 0; pass < 2; pass++) {
		entry = image_profile_lookup(image, geometry, block, key, &flags);
		if (!entry)
			return 0;
		if (pass)
			break;
		if (!(flags & PROFILE_UNMERGED))
			return entry;
		own = entry;
		header = IMAGE_LINE(image, 0);
		if (!header)
			return 0;
		block = header->broad_block[direction & 1];
	}
	return broad_wins(own, entry) ? entry : own;
}
