// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "packet.h"

#define TC_ACT_UNSPEC -1
#define TC_ACT_SHOT 2

/* blocked destination port (network byte order) -> packets dropped: keys written by firewall.ts. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __be16);
	__type(value, __u64);
} blocked SEC(".maps");

SEC("tc")
int firewall(struct __sk_buff *skb)
{
	void *end = (void *)(long)skb->data_end;
	struct ipv4 *ip = ipv4_of((void *)(long)skb->data, end);
	struct ports *ports = ip ? ports_of(ip, end) : (void *)0;
	__be16 port = ports ? ports->destination : 0;
	__u64 *dropped = ports ? bpf_map_lookup_elem(&blocked, &port) : (void *)0;

	if (!dropped)
		return TC_ACT_UNSPEC;
	__sync_fetch_and_add(dropped, 1);
	return TC_ACT_SHOT;
}

char _license[] SEC("license") = "Dual BSD/GPL";
