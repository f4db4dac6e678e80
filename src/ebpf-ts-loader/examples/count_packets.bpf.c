// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "packet.h"

#define XDP_PASS 2

/* packets by IP protocol, per CPU: written by count_packets(). */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
} packets SEC(".maps");

SEC("xdp")
int count_packets(struct xdp_md *ctx)
{
	struct ipv4 *ip = ipv4_of((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	__u32 protocol = ip ? ip->protocol : 0;
	__u64 *count = bpf_map_lookup_elem(&packets, &protocol);

	if (count)
		++*count;
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
