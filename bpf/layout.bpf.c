/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Holds nothing but the BTF of every shared struct and enum: `deno task gen` reads
 * the offsets of both languages from here. A type that is not a member of `layout`
 * does not reach them.
 */
#include "include/types.h"
#include "consts.h"
#include "structs.h"

struct layout {
	struct ipcache4_key ipcache4_key;
	struct ipcache6_key ipcache6_key;
	struct ipcache6_prefix ipcache6_prefix;
	struct ipcache4_cidr_key ipcache4_cidr_key;
	struct ipcache6_cidr_key ipcache6_cidr_key;
	struct ipcache_info ipcache_info;
	struct endpoint_key endpoint_key;
	struct endpoint_info endpoint_info;
	struct endpoint_policy endpoint_policy;
	struct policy_table policy_table;
	struct ct4_key ct4_key;
	struct ct6_key ct6_key;
	struct ct_entry ct_entry;
	struct fragment4_key fragment4_key;
	struct fragment6_key fragment6_key;
	struct fragment_info fragment_info;
	struct metrics_value metrics_value;
	struct accounting_key accounting_key;
	struct reported_key reported_key;
	struct event event;
	struct image_header image_header;
	struct policy_entry policy_entry;
	struct image_cells_line image_cells_line;
	struct image_words_line image_words_line;
	struct image_entries_line image_entries_line;
	struct map_state_entry map_state_entry;
	struct lpm_policy_key lpm_policy_key;
	struct lpm_policy_entry lpm_policy_entry;
	struct ambient ambient;
	struct packet_slot packet_slot;

	enum direction direction;
	enum drop_reason drop_reason;
	enum policy_verdict policy_verdict;
	enum match_type match_type;
	enum ct_state ct_state;
	enum ct_flags ct_flags;
	enum ct_lifetime ct_lifetime;
	enum ct_expiry ct_expiry;
	enum event_type event_type;
	enum event_mask event_mask;
	enum event_flags event_flags;
	enum endpoint_flags endpoint_flags;
	enum mark mark;
	enum control_buffer control_buffer;
	enum identity_number identity_number;
	enum hook hook;
	enum limits limits;
	enum image_format image_format;
	enum image_class image_class;
	enum packet_verdict packet_verdict;
	enum ipcache_blocks ipcache_blocks;
	enum lpm_policy_format lpm_policy_format;
};

struct layout layout __attribute__((section(".data")));
