/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Constants of one endpoint. They live in .rodata, which is patched per endpoint and
 * frozen before the program is loaded (ELF templating): the verifier then sees plain
 * constants and removes what they rule out. Every use goes through CONFIG(), so that
 * per-endpoint data of one shared program can take their place.
 */
#pragma once

#define DECLARE_CONFIG(type, name) volatile const type config_##name
#define CONFIG(name) (config_##name)

DECLARE_CONFIG(__u32, endpoint);	/* endpoint id */
DECLARE_CONFIG(__u32, ifindex);		/* host side of the veth, for events */
DECLARE_CONFIG(__be32, ipv4);		/* the endpoint's address, 0: none */
DECLARE_CONFIG(__be32, ipv6_0);		/* the same, IPv6, word by word; all 0: none */
DECLARE_CONFIG(__be32, ipv6_1);
DECLARE_CONFIG(__be32, ipv6_2);
DECLARE_CONFIG(__be32, ipv6_3);
DECLARE_CONFIG(__u32, events);		/* enum event_mask */
DECLARE_CONFIG(__u32, event_interval);	/* seconds, see events.h; 0: no aggregation */
DECLARE_CONFIG(__u32, ambient);		/* 0: clock of the machine, 1: of the test map */
