/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The datapath of one endpoint: two hooks on the host side of its veth, and the
 * ingress policy that another endpoint's from_container tail-calls.
 *
 *   from_container   TC ingress: what the container sends
 *   to_container     TC egress: what host and stack send to the container
 *   policy_ingress   tail call: what another local endpoint sends to this one
 *
 * Who a packet is from and where it goes, beside what its headers say (parse.h):
 *   from_container          the endpoint: another source address is DROP_INVALID_SIP, link-local
 *                           ones of multicast listeners too. Its mark is not believed
 *   policy_ingress          what from_container says
 *   to_container            what the mark says: the host, an identity; else what the ipcache says
 *                           of the address, which the stack or the network must have checked
 *                           (rp_filter). Marked as enforced: passed unread
 *     marked for a proxy    DROP_PROXY_SET_FAILED: the node lacks the route that leads there
 *   unknown addresses       the world; martian ones too, which are the stack's to refuse
 *   another local endpoint  a hop: TTL 1 is DROP_TTL_EXCEEDED, and nobody is told
 *   to a proxy              only from an endpoint, at TC ingress; no proxy's own mark is known
 *                           yet, so what one sends to an endpoint is judged like the stack's
 *   endpoint without a
 *   policy or a table       DROP_EP_NOT_READY
 *   the node itself         has no policy here: what it sends and receives is judged at the other
 *                           end alone
 *
 * All three load with expected_attach_type 0, or the kernel would refuse the tail call.
 * With LPM_TWIN, addresses and policies are looked up in Cilium's layout; see lpm_twin.h.
 */
#include "include/bpf.h"
#include "include/net.h"
#include "consts.h"
#include "structs.h"
#include "config.h"
#include "maps.h"
#include "packet.h"
#include "ambient.h"
#include "parse.h"
#include "identity.h"
#include "events.h"
#include "conntrack.h"
#include "fragment.h"
#ifdef LPM_TWIN
#include "lpm_twin.h"
#else
#include "ipcache_maps.h"
#include "image_maps.h"
#include "ipcache.h"
#include "policy.h"
#endif
#include "neighbour.h"
#include "proxy.h"
#include "accounting.h"
#include "service.h"
#include "deliver.h"

/* The peer's slot, or its scope's when it has none, which is counted and told: a node
 * that sees this often has a control plane that lags.
 */
static __always_inline __u32 peer_slot(__u32 identity, __u32 slot, __u32 direction,
				       const struct packet *packet,
				       const struct verdict *verdict)
{
	if (likely(slot))
		return slot;
	count(REASON_SLOT_FALLBACK, direction, packet->length);
	if (CONFIG(events) & EVENTS_TRACE)
		raise_flowless_event(EVENT_TRACE, REASON_SLOT_FALLBACK, direction, packet,
				     verdict);
	return scope_fallback(identity, packet->tuple.family);
}

/* Whether a policy has said so: one that is missing or damaged says nothing, nor does a proxy
 * that is gone.
 */
static __always_inline int is_policy_drop(int reason)
{
	return reason == DROP_POLICY || reason == DROP_POLICY_DENY || reason == DROP_AUTH_REQUIRED;
}

/* Audit mode: what policy drops passes and is told. */
static __always_inline int audit(int reason, __u32 direction, const struct endpoint_policy *own,
				 const struct packet *packet, struct verdict *verdict)
{
	if (!(own->flags & ENDPOINT_AUDIT) || !is_policy_drop(reason))
		return reason;
	verdict->audited = reason;
	count(REASON_AUDITED, direction, packet->length);
	return 0;
}

/* Policy of this endpoint for one packet. Returns 0 or a drop reason. */
static __always_inline int judge(__u32 direction, __u32 peer_identity, __u32 slot,
				 __u32 can_redirect, const struct endpoint_policy *own,
				 const struct packet *packet, struct verdict *verdict)
{
	int reason = policy_decide(own->policy, direction, policy_peer(peer_identity, slot),
				   POLICY_KEY(packet->tuple.protocol, packet->policy_port),
				   verdict);

	if (own->flags & ENDPOINT_ACCOUNTING)
		account(direction, peer_identity, packet, verdict);
	if (reason)
		return audit(reason, direction, own, packet, verdict);
	if (verdict->verdict != VERDICT_REDIRECT)
		return 0;
	return can_redirect ? proxy_resolve(packet, verdict) : DROP_PROXY_SET_FAILED;
}

/* Tells again of a flow that goes on. Two CPUs may do so at once; nothing is lost by that. */
static __always_inline void report_flow(struct ct_entry *entry, __u32 direction,
					const struct packet *packet,
					const struct verdict *verdict, __u32 now)
{
	if (verdict->ct_state == CT_REPLY) {
		if (!(CONFIG(events) & EVENTS_TRACE) || !flow_event_due(entry->reply_reported, now))
			return;
		entry->reply_reported = now;
		raise_event(EVENT_TRACE, REASON_FORWARDED, direction, packet, verdict);
		return;
	}
	if (!(CONFIG(events) & EVENTS_POLICY_VERDICT) || !flow_event_due(entry->reported, now))
		return;
	entry->reported = now;
	raise_event(EVENT_POLICY_VERDICT, verdict->audited, direction, packet, verdict);
}

/* Conntrack and policy of this endpoint in one direction. Returns 0 or a drop reason. */
static __always_inline int admit(__u32 direction, __u32 peer_identity, __u32 slot,
				 __u32 can_redirect, const struct endpoint_policy *own,
				 const struct packet *packet, struct verdict *verdict)
{
	__u32 now = ambient_seconds();
	struct ct_entry *entry = 0;
	int reason;

	verdict->ct_state = ct_lookup(packet, direction, now, &entry);
	if (verdict->ct_state == CT_RELATED || packet->always_allowed)
		return 0;
	if (verdict->ct_state != CT_REPLY) {
		slot = peer_slot(peer_identity, slot, direction, packet, verdict);
		reason = judge(direction, peer_identity, slot, can_redirect, own, packet, verdict);
		if (reason) {
			if (entry && is_policy_drop(reason))
				ct_delete(packet, direction);
			return reason;
		}
	}
	if (entry) {
		ct_update(entry, packet, verdict, now);
		report_flow(entry, direction, packet, verdict, now);
		return 0;
	}
	if (packet->creates) {
		reason = ct_create(packet, verdict, direction, now);
		if (reason)
			return reason;
	}
	if (!(CONFIG(events) & EVENTS_POLICY_VERDICT))
		return 0;
	if (packet->creates)
		raise_event(EVENT_POLICY_VERDICT, verdict->audited, direction, packet, verdict);
	else
		raise_flowless_event(EVENT_POLICY_VERDICT, verdict->audited, direction, packet,
				     verdict);
	return 0;
}

/* An endpoint without an address of the family has all zeros there, which is nobody's. */
static __always_inline int source_is_own(const struct packet *packet)
{
	const __be32 *saddr = packet->tuple.saddr;

	if (packet->tuple.family == 4)
		return saddr[0] && saddr[0] == CONFIG(ipv4);
	return (saddr[0] | saddr[1] | saddr[2] | saddr[3]) && saddr[0] == CONFIG(ipv6_0) &&
	       saddr[1] == CONFIG(ipv6_1) && saddr[2] == CONFIG(ipv6_2) &&
	       saddr[3] == CONFIG(ipv6_3);
}

static __always_inline const struct endpoint_policy *own_policy(void)
{
	__u32 endpoint = CONFIG(endpoint);

	return bpf_map_lookup_elem(&endpoint_policies, &endpoint);
}

/* The program's end: counts what goes on, drops what does not. */
static __always_inline int finish(int reason, __u32 direction, const struct packet *packet,
				  const struct verdict *verdict)
{
	if (reason > 0)
		return drop(reason, direction, packet, verdict);
	count(REASON_FORWARDED, direction, packet->length);
	return TC_ACT_OK;
}

/* Egress policy of this endpoint. Returns 0, PARSE_* or a drop reason; *source
 * receives the endpoint's own identity and slot.
 */
static __always_inline int egress(struct __sk_buff *skb, struct packet *packet,
				  identity_slot_t *source, struct verdict *verdict)
{
	const struct endpoint_policy *own;
	identity_slot_t peer;
	int reason;

	reason = parse_packet(skb, packet);
	if (reason == PARSE_NEIGHBOUR && !stays_on_link(packet))
		reason = 0;
	if (reason)
		return reason;
	if (!source_is_own(packet))
		return DROP_INVALID_SIP;
	own = own_policy();
	if (!own)
		return DROP_EP_NOT_READY;
	*source = *(volatile __u64 *)&own->identity_slot;
	packet->src_identity = (__u32)*source;
	if (packet->fragment) {
		reason = fragment_resolve(packet, ambient_seconds());
		if (reason)
			return reason;
	}
	reason = service_translate(skb, packet);
	if (reason)
		return reason;
	peer = ipcache_lookup(packet->tuple.family, packet->tuple.daddr);
	packet->dst_identity = (__u32)peer;
	return admit(DIRECTION_EGRESS, (__u32)peer, peer >> 32, 1, own, packet, verdict);
}

SEC("tc")
int from_container(struct __sk_buff *skb)
{
	const struct endpoint_info *destination;
	struct verdict verdict = {};
	struct packet packet = {};
	identity_slot_t source = 0;
	int reason;

	/* A veth between two namespaces clears it; another device may not. */
	skb->mark = 0;
	reason = egress(skb, &packet, &source, &verdict);
	if (reason)
		return finish(reason, DIRECTION_EGRESS, &packet, &verdict);
	if (verdict.proxy_port) {
		skb->mark = proxy_mark(verdict.proxy_port);
		return finish(0, DIRECTION_EGRESS, &packet, &verdict);
	}
	destination = endpoint_lookup(&packet);
	if (!destination) {
		/* So that the stack's way back to a local endpoint keeps the identity. */
		skb->mark = identity_mark(packet.src_identity);
		return finish(0, DIRECTION_EGRESS, &packet, &verdict);
	}
	reason = forward_to_endpoint(skb, &packet, destination);
	if (reason)
		return drop(reason, DIRECTION_EGRESS, &packet, &verdict);
	count(REASON_FORWARDED, DIRECTION_EGRESS, packet.length);
	skb->cb[CB_SRC_IDENTITY] = packet.src_identity;
	skb->cb[CB_SRC_SLOT] = source >> 32;
	skb->cb[CB_IFINDEX] = destination->ifindex;
	bpf_tail_call(skb, &endpoint_programs, destination->endpoint);
	/* It has left this endpoint and does not reach the other. */
	return drop(DROP_MISSED_TAIL_CALL, DIRECTION_INGRESS, &packet, &verdict);
}

/* Ingress policy of this endpoint for a packet whose source is known. */
static __always_inline int ingress(struct packet *packet, __u32 src_identity, __u32 src_slot,
				   __u32 can_redirect, struct verdict *verdict)
{
	const struct endpoint_policy *own = own_policy();
	int reason;

	packet->src_identity = src_identity;
	if (!own)
		return DROP_EP_NOT_READY;
	packet->dst_identity = (__u32)*(volatile __u64 *)&own->identity_slot;
	if (packet->fragment) {
		reason = fragment_resolve(packet, ambient_seconds());
		if (reason)
			return reason;
	}
	return admit(DIRECTION_INGRESS, src_identity, src_slot, can_redirect, own, packet,
		     verdict);
}

SEC("tc")
int policy_ingress(struct __sk_buff *skb)
{
	__u32 src_identity = skb->cb[CB_SRC_IDENTITY];
	__u32 src_slot = skb->cb[CB_SRC_SLOT];
	__u32 ifindex = skb->cb[CB_IFINDEX];
	struct verdict verdict = {};
	struct packet packet = {};
	int reason;

	/* from_container has parsed these bytes, and taken one off their hop limit. */
	reason = parse_packet(skb, &packet);
	if (!reason)
		reason = ingress(&packet, src_identity, src_slot, 1, &verdict);
	if (finish(reason, DIRECTION_INGRESS, &packet, &verdict) != TC_ACT_OK)
		return TC_ACT_SHOT;
	if (verdict.proxy_port) {
		skb->mark = proxy_mark(verdict.proxy_port);
		return TC_ACT_OK;
	}
	skb->mark = MARK_ENFORCED;
	return bpf_redirect(ifindex, 0);
}

/* Who sends a packet that comes from host or stack: its mark says, or its address. */
static __always_inline identity_slot_t source_of(__u32 mark, const struct packet *packet)
{
	__u32 identity;

	switch (mark & MARK_MASK) {
	case MARK_HOST:
		return identity_slot(IDENTITY_HOST, IDENTITY_HOST);
	case MARK_IDENTITY:
		identity = mark_identity(mark);
		return identity_slot(identity, identity_to_slot(identity));
	default:
		return ipcache_lookup(packet->tuple.family, packet->tuple.saddr);
	}
}

SEC("tc")
int to_container(struct __sk_buff *skb)
{
	struct verdict verdict = {};
	struct packet packet = {};
	identity_slot_t source;
	__u32 mark = skb->mark;
	int reason;

	if ((mark & MARK_MASK) == MARK_ENFORCED)
		return TC_ACT_OK;
	reason = parse_packet(skb, &packet);
	/* A proxy should have read it: the node does not route by the mark. */
	if (!reason && (mark & MARK_MASK) == MARK_TO_PROXY)
		reason = DROP_PROXY_SET_FAILED;
	if (!reason) {
		source = source_of(mark, &packet);
		/* At TC egress no socket can be assigned. */
		reason = ingress(&packet, (__u32)source, source >> 32, 0, &verdict);
	}
	return finish(reason, DIRECTION_INGRESS, &packet, &verdict);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
