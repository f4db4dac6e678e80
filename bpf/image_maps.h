/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The maps that policy.h asks. */
#pragma once

/* table index -> policy image, one map per size class. The inner maps' size is fixed
 * (no BPF_F_INNER_MAP), which lets the kernel inline the lookup of a line.
 */
#define IMAGE_MAP(class)								\
	struct image_##class##_lines {							\
		__uint(type, BPF_MAP_TYPE_ARRAY);					\
		__uint(max_entries, IMAGE_##class##_LINES);				\
		__uint(key_size, sizeof(__u32));					\
		__uint(value_size, IMAGE_LINE_BYTES);					\
	};										\
	struct {									\
		__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);				\
		__uint(max_entries, IMAGE_##class##_TABLES);				\
		__type(key, __u32);							\
		__array(values, struct image_##class##_lines);				\
	} images_##class SEC(".maps")

IMAGE_MAP(S);
IMAGE_MAP(M);
IMAGE_MAP(L);
