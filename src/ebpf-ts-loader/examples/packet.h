/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the examples need of the kernel's headers, so that they build anywhere. */
#pragma once

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;

#define SEC(name) __attribute__((section(name), used))
#define __uint(name, val) int(*name)[val]
#define __type(name, val) typeof(val) *name

#define BPF_MAP_TYPE_HASH 1
#define BPF_MAP_TYPE_PERCPU_ARRAY 6
#define BPF_MAP_TYPE_RINGBUF 27
#define ETH_P_IP_BE 0x0008
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17

struct xdp_md {
	__u32 data;
	__u32 data_end;
};

struct __sk_buff {
	__u32 unused[19];
	__u32 data;
	__u32 data_end;
};

struct ethernet {
	__u8 destination[6];
	__u8 source[6];
	__be16 protocol;
};

struct ipv4 {
	__u8 words : 4;
	__u8 version : 4;
	__u8 tos;
	__be16 length;
	__be16 id;
	__be16 fragment;
	__u8 ttl;
	__u8 protocol;
	__be16 checksum;
	__be32 source;
	__be32 destination;
};

/* TCP and UDP begin alike. */
struct ports {
	__be16 source;
	__be16 destination;
};

static void *(*const bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static void *(*const bpf_ringbuf_reserve)(void *map, __u64 size, __u64 flags) = (void *)131;
static void (*const bpf_ringbuf_submit)(void *record, __u64 flags) = (void *)132;

/* The IPv4 header, or NULL if the packet has none within its first, contiguous bytes. */
static inline struct ipv4 *ipv4_of(void *data, void *end)
{
	struct ethernet *ethernet = data;
	struct ipv4 *ip = (void *)(ethernet + 1);

	if ((void *)(ip + 1) > end || ethernet->protocol != ETH_P_IP_BE)
		return (void *)0;
	return ip;
}

/* The ports behind a TCP or UDP header's IPv4 header, or NULL. */
static inline struct ports *ports_of(struct ipv4 *ip, void *end)
{
	struct ports *ports = (void *)ip + ip->words * 4;

	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP)
		return (void *)0;
	return (void *)(ports + 1) > end ? (void *)0 : ports;
}
