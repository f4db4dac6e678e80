// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "packet.h"

#define TC_ACT_UNSPEC -1
#define TCP_FLAGS 13
#define SYN_ONLY(flags) (((flags) & 0x12) == 0x02)

/* A connection that somebody begins. Addresses and port in network byte order. */
struct connection {
	__be32 source;
	__be32 destination;
	__be16 port;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} connections SEC(".maps");

SEC("tc")
int watch_connections(struct __sk_buff *skb)
{
	void *end = (void *)(long)skb->data_end;
	struct ipv4 *ip = ipv4_of((void *)(long)skb->data, end);
	struct ports *ports = ip ? ports_of(ip, end) : (void *)0;
	__u8 *flags = (__u8 *)ports + TCP_FLAGS;
	struct connection *connection;

	if (!ports || ip->protocol != IPPROTO_TCP || (void *)(flags + 1) > end || !SYN_ONLY(*flags))
		return TC_ACT_UNSPEC;
	connection = bpf_ringbuf_reserve(&connections, sizeof(*connection), 0);
	if (!connection)
		return TC_ACT_UNSPEC;
	connection->source = ip->source;
	connection->destination = ip->destination;
	connection->port = ports->destination;
	bpf_ringbuf_submit(connection, 0);
	return TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "Dual BSD/GPL";
