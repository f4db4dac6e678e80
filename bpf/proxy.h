/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Redirects to an L7 proxy: a verdict's id -> the port to which a mark sends the packet. */
#pragma once

/* Finds the proxy of a verdict that asks for one. Returns 0 or a drop reason: what should be
 * read by a proxy never passes unread.
 */
static __always_inline int proxy_resolve(const struct packet *packet, struct verdict *verdict)
{
	if (packet->tuple.protocol != IPPROTO_TCP && packet->tuple.protocol != IPPROTO_UDP)
		return DROP_PROXY_UNKNOWN_PROTO;
	verdict->proxy_port = redirect_port(verdict);
	return verdict->proxy_port ? 0 : DROP_PROXY_LOOKUP_FAILED;
}

static __always_inline __u32 proxy_mark(__u32 port)
{
	return port << 16 | MARK_TO_PROXY;
}
