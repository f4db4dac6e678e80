/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Flow state on the 5-tuple plus the direction of the policy that admitted the flow.
 * A flow between two local endpoints has two entries, one made at its source's egress
 * and one at its destination's ingress. So a reply meets the entry of the opposite
 * direction with its tuple reversed: that is what makes it a reply. An ICMP error is related
 * to the flow of the packet that it quotes; it neither prolongs nor counts in that flow, since
 * routers on the way send it and anybody may forge it. Endpoints are no routers: what one
 * sends is related only to a packet that was sent to it.
 *
 * Decided behaviour:
 *   first packet            any that policy allows, and of TCP with any flags: flows outlive
 *                           this table
 *   each packet in the
 *   flow's own direction    judged again. What policy refuses ends the flow for both ends; a
 *                           policy or a proxy that is missing does not
 *   answers                 not judged, and prolong the flow: who only listens keeps a flow that
 *                           policy would refuse, as long as the other end talks
 *   TCP, half open          60 s, until the one who asked has sent an ACK and had an answer
 *   TCP, open               8,000 s, also when one end has sent FIN
 *   TCP, closed             10 s after the last packet: both ends have sent FIN, or one has sent
 *                           RST, which is believed whatever its sequence number. The flow goes on
 *                           as long as packets follow one another within that time
 *   SYN                     where an end has closed, a new flow, judged in its own direction; in
 *                           an open flow part of it, from either end (simultaneous open)
 *   UDP, SCTP, echoes, all
 *   other protocols         60 s after the last packet of either end. SCTP: INIT, ABORT and
 *                           SHUTDOWN mean nothing, heartbeats keep a flow (RFC 9260: every 30 s),
 *                           each pair of addresses is a flow of its own
 *   echo of identifier 0    has the ports of an answer to itself: requests of both ends are one
 *                           flow
 *   table full              the flow goes that was not used for longest, whoever's it is. Its
 *                           next packet makes it again; answers before that are judged as new
 *
 * Whoever gives an address to another endpoint deletes the flows of the one that had it: they
 * would let answers in to the new one.
 */
#pragma once

static __always_inline struct ct4_key ct4_key(const struct tuple *tuple, __u32 direction,
					      int reverse)
{
	struct ct4_key key = {
		.saddr = reverse ? tuple->daddr[0] : tuple->saddr[0],
		.daddr = reverse ? tuple->saddr[0] : tuple->daddr[0],
		.sport = reverse ? tuple->dport : tuple->sport,
		.dport = reverse ? tuple->sport : tuple->dport,
		.protocol = tuple->protocol,
		.direction = reverse ? !direction : direction,
	};
	return key;
}

static __always_inline struct ct6_key ct6_key(const struct tuple *tuple, __u32 direction,
					      int reverse)
{
	const __be32 *s = reverse ? tuple->daddr : tuple->saddr;
	const __be32 *d = reverse ? tuple->saddr : tuple->daddr;
	struct ct6_key key = {
		.saddr = { s[0], s[1], s[2], s[3] },
		.daddr = { d[0], d[1], d[2], d[3] },
		.sport = reverse ? tuple->dport : tuple->sport,
		.dport = reverse ? tuple->sport : tuple->dport,
		.protocol = tuple->protocol,
		.direction = reverse ? !direction : direction,
	};
	return key;
}

/* The entry of a packet's flow or, reversed, of the flow that it answers. An entry past its
 * lifetime counts as absent, however late user space deletes it.
 */
static __always_inline struct ct_entry *ct_find(const struct tuple *tuple, __u32 direction,
						int reverse, __u32 now)
{
	struct ct_entry *found;

	if (tuple->family == 4) {
		struct ct4_key key = ct4_key(tuple, direction, reverse);

		found = bpf_map_lookup_elem(&conntrack4, &key);
	} else {
		struct ct6_key key = ct6_key(tuple, direction, reverse);

		found = bpf_map_lookup_elem(&conntrack6, &key);
	}
	return found && found->expires > now ? found : 0;
}

/* A flow that is over and starts again, as when a client reuses its port. */
static __always_inline int ct_reopens(const struct ct_entry *entry,
				      const struct packet *packet)
{
	return packet->tuple.protocol == IPPROTO_TCP &&
	       (packet->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN &&
	       (entry->flags & (CT_FORWARD_CLOSING | CT_REPLY_CLOSING));
}

/* Whether the packet that an ICMP error quotes belongs to a known flow. Whoever is told of it
 * at one direction's policy has sent or answered it through the other's.
 */
__noinline int ct_is_related(const struct packet *packet, __u32 direction, __u32 now)
{
	__be32 other = 0;
	__u32 i;

	if (!packet)
		return 0;
	if (direction == DIRECTION_EGRESS) {
		for (i = 0; i < 4; i++)
			other |= packet->quoted.daddr[i] ^ packet->tuple.saddr[i];
		if (other)
			return 0;
	}
	return ct_find(&packet->quoted, !direction, 0, now) ||
	       ct_find(&packet->quoted, !direction, 1, now);
}

/* Finds the packet's flow. *entry is set for CT_REPLY and CT_ESTABLISHED. */
static __always_inline enum ct_state ct_lookup(const struct packet *packet, __u32 direction,
					       __u32 now, struct ct_entry **entry)
{
	struct ct_entry *found;

	if (!packet->trackable)
		return packet->quotes && ct_is_related(packet, direction, now) ? CT_RELATED :
										 CT_UNTRACKED;
	found = ct_find(&packet->tuple, direction, 1, now);
	if (found && !ct_reopens(found, packet)) {
		*entry = found;
		return CT_REPLY;
	}
	found = ct_find(&packet->tuple, direction, 0, now);
	if (found && !ct_reopens(found, packet)) {
		*entry = found;
		return CT_ESTABLISHED;
	}
	return CT_NEW;
}

/* Seconds that a flow in this state may stay silent, after these TCP flags in its own direction.
 * A TCP flow is open when the one who asked has acknowledged the answer: requests from
 * addresses that are made up get no further (RFC 4987), and soon make room.
 */
static __always_inline __u32 ct_lifetime(__u32 protocol, __u32 flags, __u32 tcp_flags)
{
	__u32 closing = CT_FORWARD_CLOSING | CT_REPLY_CLOSING;

	if (protocol != IPPROTO_TCP)
		return CT_LIFETIME_OTHER;
	if ((flags & closing) == closing)
		return CT_LIFETIME_TCP_CLOSE;
	return flags & CT_SEEN_REPLY && tcp_flags & TCP_ACK ? CT_LIFETIME_TCP :
							      CT_LIFETIME_TCP_SYN;
}

/* The flags that this packet adds to its flow. */
static __always_inline __u32 ct_packet_flags(const struct packet *packet, enum ct_state state)
{
	__u32 flags = state == CT_REPLY ? CT_SEEN_REPLY : 0;

	if (packet->tuple.protocol != IPPROTO_TCP)
		return flags;
	if (packet->tcp_flags & TCP_RST)
		return flags | CT_FORWARD_CLOSING | CT_REPLY_CLOSING;
	if (packet->tcp_flags & TCP_FIN)
		return flags | (state == CT_REPLY ? CT_REPLY_CLOSING : CT_FORWARD_CLOSING);
	return flags;
}

/* Counts an admitted packet of a known flow. Two CPUs may do so at once: the counters
 * are exact, flags and lifetime converge with the next packet.
 */
static __always_inline void ct_update(struct ct_entry *entry, const struct packet *packet,
				      const struct verdict *verdict, __u32 now)
{
	enum ct_state state = verdict->ct_state;
	__u32 flags = entry->flags | ct_packet_flags(packet, state);

	if (state == CT_REPLY) {
		__sync_fetch_and_add(&entry->reply_packets, 1);
		__sync_fetch_and_add(&entry->reply_bytes, packet->length);
		entry->reply_tcp_flags |= packet->tcp_flags;
	} else {
		__sync_fetch_and_add(&entry->packets, 1);
		__sync_fetch_and_add(&entry->bytes, packet->length);
		entry->tcp_flags |= packet->tcp_flags;
		entry->cookie = verdict->cookie;
		entry->redirect = verdict->redirect;
	}
	entry->flags = flags;
	entry->expires = now + ct_lifetime(packet->tuple.protocol, flags, entry->tcp_flags);
}

/* Ends a flow that policy allows no more: the other end's answers are none either. */
__noinline int ct_delete(const struct packet *packet, __u32 direction)
{
	if (!packet)
		return 0;
	if (packet->tuple.family == 4) {
		struct ct4_key key = ct4_key(&packet->tuple, direction, 0);

		bpf_map_delete_elem(&conntrack4, &key);
	} else {
		struct ct6_key key = ct6_key(&packet->tuple, direction, 0);

		bpf_map_delete_elem(&conntrack6, &key);
	}
	return 0;
}

/* Remembers a new flow. Returns 0 or a drop reason. */
__noinline int ct_create(const struct packet *packet, const struct verdict *verdict,
			 __u32 direction, __u32 now)
{
	struct ct_entry entry = {};
	__u32 flags;
	long error;

	/* Only for the verifier, which does not see the callers from here. */
	if (!packet || !verdict)
		return DROP_CT_CREATE_FAILED;
	flags = ct_packet_flags(packet, CT_NEW);
	entry = (struct ct_entry) {
		.packets = 1,
		.bytes = packet->length,
		.expires = now + ct_lifetime(packet->tuple.protocol, flags, packet->tcp_flags),
		.src_identity = packet->src_identity,
		.reported = now,
		.cookie = verdict->cookie,
		.redirect = verdict->redirect,
		.flags = flags,
		.tcp_flags = packet->tcp_flags,
	};
	if (packet->tuple.family == 4) {
		struct ct4_key key = ct4_key(&packet->tuple, direction, 0);

		error = bpf_map_update_elem(&conntrack4, &key, &entry, BPF_ANY);
	} else {
		struct ct6_key key = ct6_key(&packet->tuple, direction, 0);

		error = bpf_map_update_elem(&conntrack6, &key, &entry, BPF_ANY);
	}
	return error ? DROP_CT_CREATE_FAILED : 0;
}
