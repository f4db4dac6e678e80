/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Counters and the events ring. */
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

/* Every drop ends here: counted, and told if the endpoint wants to be told. */
__noinline int drop(__u32 reason, __u32 direction, const struct packet *packet,
		    const struct verdict *verdict)
{
	if (!packet || !verdict)
		return TC_ACT_SHOT;
	count(reason, direction, packet->length);
	if (CONFIG(events) & EVENTS_DROP)
		raise_event(EVENT_DROP, reason, direction, packet, verdict);
	return TC_ACT_SHOT;
}
