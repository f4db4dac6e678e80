/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Counters and the events ring.
 *
 * A busy flow does not flood the ring. A verdict event tells of a flow when it begins, and
 * again in every CONFIG(event_interval) in which it has packets; a trace event does so for its
 * replies. Packets without a flow (dropped, or not tracked) are told of once in an interval
 * for all that have endpoint, direction, reason, identities, protocol and port in common. What
 * is held back is counted all the same. With an interval of 0 a flow is told of when it begins,
 * and each packet without one.
 */
#pragma once

static __always_inline void count(__u32 reason, __u32 direction, __u32 bytes)
{
	__u32 key = (reason << 1 | direction) & (METRICS_SIZE - 1);
	struct metrics_value *value = bpf_map_lookup_elem(&metrics, &key);

	if (!value)
		return;
	/* Per CPU, and a program is not preempted by another on its CPU. */
	value->packets++;
	value->bytes += bytes;
}

/* A global function, as parse_packet() is one, and so is drop(). */
__noinline int raise_event(__u32 type, __u32 reason, __u32 direction,
			   const struct packet *packet, const struct verdict *verdict)
{
	struct event *event;
	__u32 i;

	/* Only for the verifier, which does not see the callers from here. */
	if (!packet || !verdict)
		return 0;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		count(REASON_EVENT_LOST, direction, packet->length);
		return 0;
	}
	event->type = type;
	event->reason = reason;
	event->direction = direction;
	event->match_type = verdict->match_type;
	event->endpoint = CONFIG(endpoint);
	event->verdict = verdict->verdict;
	event->ct_state = verdict->ct_state;
	event->timestamp = ambient_now();
	event->src_identity = packet->src_identity;
	event->dst_identity = packet->dst_identity;
	event->cookie = verdict->cookie;
	event->revision = verdict->revision;
	event->length = packet->length;
	event->ifindex = CONFIG(ifindex);
	event->family = packet->tuple.family;
	event->protocol = packet->tuple.protocol;
	event->tcp_flags = packet->tcp_flags;
	event->flags = verdict->audited ? EVENT_AUDITED : 0;
	event->sport = packet->tuple.sport;
	event->dport = bpf_htons(packet->policy_port);
	for (i = 0; i < 4; i++) {
		event->saddr[i] = packet->tuple.saddr[i];
		event->daddr[i] = packet->tuple.daddr[i];
	}
	bpf_ringbuf_submit(event, 0);
	return 0;
}

/* Whether the last event of a flow was so long ago that it may be told of again. */
static __always_inline int flow_event_due(__u32 last, __u32 now)
{
	return CONFIG(event_interval) && now - last >= CONFIG(event_interval);
}

/* Raises an event of a packet without a flow, unless one of its kind has told already. */
__noinline int raise_flowless_event(__u32 type, __u32 reason, __u32 direction,
				    const struct packet *packet, const struct verdict *verdict)
{
	struct reported_key key = {};
	__u32 now, *last;

	if (!packet || !verdict)
		return 0;
	if (CONFIG(event_interval)) {
		now = ambient_seconds();
		key.src_identity = packet->src_identity;
		key.dst_identity = packet->dst_identity;
		key.endpoint = CONFIG(endpoint);
		key.policy_port = packet->policy_port;
		key.type = type;
		key.reason = reason;
		key.direction = direction;
		key.protocol = packet->tuple.protocol;
		last = bpf_map_lookup_elem(&reported, &key);
		if (last && now - *last < CONFIG(event_interval))
			return 0;
		bpf_map_update_elem(&reported, &key, &now, BPF_ANY);
	}
	return raise_event(type, reason, direction, packet, verdict);
}

/* Every drop ends here: counted, and told if the endpoint wants to be told. */
__noinline int drop(__u32 reason, __u32 direction, const struct packet *packet,
		    const struct verdict *verdict)
{
	if (!packet || !verdict)
		return TC_ACT_SHOT;
	count(reason, direction, packet->length);
	if (CONFIG(events) & EVENTS_DROP)
		raise_flowless_event(EVENT_DROP, reason, direction, packet, verdict);
	return TC_ACT_SHOT;
}
