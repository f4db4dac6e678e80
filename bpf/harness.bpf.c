/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Runs the datapath's own, unmodified programs over many different packets in one
 * BPF_PROG_TEST_RUN: each repetition takes the next packet, makes the context hold it,
 * and tail-calls the program of its endpoint and hook from a subprogram, so that
 * control comes back with the verdict.
 *
 * The kernel keeps one context for all repetitions. What a program may leave behind in
 * it (mark, cb) is set anew for every packet; skb->protocol stays that of the first
 * packet, and the datapath does not read it.
 */
#include "include/bpf.h"
#include "include/net.h"
#include "consts.h"
#include "structs.h"

/* Packets to run, and what became of them. Written by user space, by the harness. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, PACKET_BATCH);
	__type(key, __u32);
	__type(value, struct packet_slot);
} packets_in SEC(".maps"), packets_out SEC(".maps");

/* The number of the next packet. User space resets it before a batch. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} next_packet SEC(".maps");

/* endpoint id * 2 + hook -> program; from MAX_ENDPOINTS on, that endpoint's policy_ingress.
 * Written by user space.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, MAX_ENDPOINTS * 4);
	__type(key, __u32);
	__type(value, __u32);
} harness_programs SEC(".maps");

/* The datapath's own; see maps.h. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ambient);
} ambient_input SEC(".maps");

/* A tail call replaces the function it stands in, so it gets one of its own. */
static __noinline int run_program(struct __sk_buff *skb, __u32 index)
{
	volatile int verdict = PACKET_NOT_RUN;

	bpf_tail_call(skb, &harness_programs, index);
	return verdict;
}

SEC("tc")
int run_packets(struct __sk_buff *skb)
{
	struct packet_slot *in, *out;
	struct ambient *ambient;
	__u32 zero = 0, number, length;
	__u64 *next;

	next = bpf_map_lookup_elem(&next_packet, &zero);
	ambient = bpf_map_lookup_elem(&ambient_input, &zero);
	if (!next || !ambient)
		return TC_ACT_SHOT;
	number = (*next)++;
	in = bpf_map_lookup_elem(&packets_in, &number);
	if (!in)
		return TC_ACT_SHOT;
	out = bpf_map_lookup_elem(&packets_out, &number);
	if (!out)
		return TC_ACT_SHOT;

	length = in->length;
	if (length < ETH_HLEN || length > PACKET_DATA_BYTES)
		return TC_ACT_SHOT;
	if (bpf_skb_change_tail(skb, length, 0) ||
	    bpf_skb_store_bytes(skb, 0, in->data, length, 0))
		return TC_ACT_SHOT;
	skb->mark = in->mark;
	barrier();
	skb->cb[0] = 0;
	skb->cb[1] = 0;
	skb->cb[2] = 0;
	skb->cb[3] = 0;
	skb->cb[4] = 0;
	ambient->now = in->now;

	out->verdict = run_program(skb, in->endpoint * 2 + in->hook);
	out->mark = skb->mark;
	out->now = in->now;
	out->endpoint = in->endpoint;
	out->hook = in->hook;
	out->pad = 0;
	length = skb->len;
	out->length = length;
	if (length < ETH_HLEN || length > PACKET_DATA_BYTES)
		return TC_ACT_SHOT;
	bpf_skb_load_bytes(skb, 0, out->data, length);
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
