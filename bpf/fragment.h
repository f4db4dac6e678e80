/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A later fragment has no L4 header. It is judged as the first one of its packet, whose
 * ports (or ICMP type and id) are kept for as long as a receiver waits for the rest. One that
 * comes before its first one is dropped, and so is the packet: its receiver could not have
 * told either whether it may have it.
 *
 * The entry is made where an endpoint's source is known to be its own, so that none makes
 * ports for another's fragments; each hook that a packet passes makes it anew. Who sends from
 * elsewhere under another's address gains nothing: a receiver drops fragments whose first one
 * it was not given.
 */
#pragma once

static __always_inline struct fragment4_key fragment4_key(const struct packet *packet)
{
	struct fragment4_key key = {
		.saddr = packet->tuple.saddr[0],
		.daddr = packet->tuple.daddr[0],
		.id = packet->fragment_id,
		.protocol = packet->tuple.protocol,
	};
	return key;
}

static __always_inline struct fragment6_key fragment6_key(const struct packet *packet)
{
	const __be32 *s = packet->tuple.saddr;
	const __be32 *d = packet->tuple.daddr;
	struct fragment6_key key = {
		.saddr = { s[0], s[1], s[2], s[3] },
		.daddr = { d[0], d[1], d[2], d[3] },
		.id = packet->fragment_id,
	};
	return key;
}

/* Remembers a first fragment. Returns 0 or a drop reason. */
static __always_inline int fragment_remember(const struct packet *packet, __u32 now)
{
	struct fragment_info info = {
		.expires = now + CT_LIFETIME_FRAGMENT,
		.policy_port = packet->policy_port,
		.sport = packet->tuple.sport,
		.dport = packet->tuple.dport,
		.protocol = packet->tuple.protocol,
		.trackable = packet->trackable,
		.creates = packet->creates,
	};
	long error;

	if (packet->tuple.family == 4) {
		struct fragment4_key key = fragment4_key(packet);

		error = bpf_map_update_elem(&fragments4, &key, &info, BPF_ANY);
	} else {
		struct fragment6_key key = fragment6_key(packet);

		error = bpf_map_update_elem(&fragments6, &key, &info, BPF_ANY);
	}
	return error ? DROP_FRAG_NOSUPPORT : 0;
}

/* Gives a later fragment what its first one said. Returns 0 or a drop reason. */
static __always_inline int fragment_recall(struct packet *packet, __u32 now)
{
	const struct fragment_info *info;

	if (packet->tuple.family == 4) {
		struct fragment4_key key = fragment4_key(packet);

		info = bpf_map_lookup_elem(&fragments4, &key);
	} else {
		struct fragment6_key key = fragment6_key(packet);

		info = bpf_map_lookup_elem(&fragments6, &key);
	}
	if (!info || info->expires <= now)
		return DROP_FRAG_NOT_FOUND;
	packet->policy_port = info->policy_port;
	packet->tuple.sport = info->sport;
	packet->tuple.dport = info->dport;
	packet->tuple.protocol = info->protocol;
	packet->trackable = info->trackable;
	packet->creates = info->creates;
	return 0;
}

/* Returns 0 or a drop reason. */
__noinline int fragment_resolve(struct packet *packet, __u32 now)
{
	if (!packet)
		return DROP_FRAG_NOT_FOUND;
	return packet->fragment == FRAGMENT_FIRST ? fragment_remember(packet, now) :
						    fragment_recall(packet, now);
}
