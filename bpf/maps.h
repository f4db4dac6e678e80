/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Every map but those of addresses and policies, with its key, value and writer. */
#pragma once

/* identity -> slot, for identities that arrive in a mark. Written by the agent. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_IDENTITIES);
	__type(key, __u32);
	__type(value, __u32);
} identities SEC(".maps");

/* address -> local endpoint. Written by the agent. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_ENDPOINTS * 2);
	__type(key, struct endpoint_key);
	__type(value, struct endpoint_info);
} endpoints SEC(".maps");

/* endpoint id -> policy number, own identity. Written by the agent. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_ENDPOINTS);
	__type(key, __u32);
	__type(value, struct endpoint_policy);
} endpoint_policies SEC(".maps");

/* policy number -> {table, revision}: one store swaps a policy. Written by the agent, which
 * maps its memory, because an update by system call copies bytes in no promised order.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MAX_POLICIES);
	__type(key, __u32);
	__type(value, struct policy_table);
} policy_tables SEC(".maps");

/* redirect id -> port of its proxy, host byte order; 0: none listens. Written by the agent. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_REDIRECTS);
	__type(key, __u32);
	__type(value, __u32);
} redirects SEC(".maps");

/* flow -> state. Written by the programs; user space deletes what has expired. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_CONNTRACK);
	__type(key, struct ct4_key);
	__type(value, struct ct_entry);
} conntrack4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_CONNTRACK);
	__type(key, struct ct6_key);
	__type(value, struct ct_entry);
} conntrack6 SEC(".maps");

/* fragmented packet -> what its first fragment said. Written by the programs. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_FRAGMENTS);
	__type(key, struct fragment4_key);
	__type(value, struct fragment_info);
} fragments4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_FRAGMENTS);
	__type(key, struct fragment6_key);
	__type(value, struct fragment_info);
} fragments6 SEC(".maps");

/* reason << 1 | direction -> packets, bytes. Written by the programs. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, METRICS_SIZE);
	__type(key, __u32);
	__type(value, struct metrics_value);
} metrics SEC(".maps");

/* policy entry -> packets, bytes that it decided about. Written by the programs. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH);
	__uint(max_entries, MAX_ACCOUNTING);
	__type(key, struct accounting_key);
	__type(value, struct metrics_value);
} accounting SEC(".maps");

/* kind of event -> seconds of the ambient clock when it was last raised. Written by the
 * programs.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_REPORTED);
	__type(key, struct reported_key);
	__type(value, __u32);
} reported SEC(".maps");

/* struct event. Written by the programs. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, EVENTS_RING_BYTES);
} events SEC(".maps");

/* The clock when CONFIG(ambient) says so. Written by tests. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ambient);
} ambient_input SEC(".maps");

/* endpoint id -> its policy_ingress program. Written by the agent. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, MAX_ENDPOINTS);
	__type(key, __u32);
	__type(value, __u32);
} endpoint_programs SEC(".maps");
