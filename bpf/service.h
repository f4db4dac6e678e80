/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Service translation: a stage of its own, before the destination's identity is looked
 * up. No service exists yet, so every packet keeps its destination.
 */
#pragma once

/* Returns 0 or a drop reason; may rewrite packet->daddr and packet->dport. */
static __always_inline int service_translate(struct __sk_buff *skb, struct packet *packet)
{
	return 0;
}
