/*
 * Headers on the wire: offsets, and numbers as they are read by a little-endian load.
 */

export const ETH_HLEN: u32 = 14;
export const ETH_PROTOCOL_OFF: usize = 12;
export const ETH_SOURCE_OFF: usize = 6;
/** Ethertypes in network byte order. */
export const ETH_P_IP_BE: u32 = 0x0008;
export const ETH_P_IPV6_BE: u32 = 0xDD86;
export const ETH_P_ARP_BE: u32 = 0x0608;
export const ETH_P_8021Q_BE: u32 = 0x0081;
export const ETH_P_8021AD_BE: u32 = 0xA888;

export const IPV4_HLEN: u32 = 20;
export const IPV4_TOTAL_LEN_OFF: usize = 2;
export const IPV4_FRAG_OFF_OFF: usize = 6;
export const IPV4_TTL_OFF: usize = 8;
export const IPV4_PROTOCOL_OFF: usize = 9;
export const IPV4_CHECK_OFF: usize = 10;
export const IPV4_SADDR_OFF: usize = 12;
export const IPV4_DADDR_OFF: usize = 16;
/** More fragments, or an offset; network byte order. */
export const IPV4_FRAGMENT_BE: u32 = 0xFF3F;
export const IPV4_FRAGMENT_OFFSET_BE: u32 = 0xFF1F;
export const IPV4_ID_OFF: usize = 4;

export const IPV6_HLEN: u32 = 40;
export const IPV6_PAYLOAD_LEN_OFF: usize = 4;
export const IPV6_NEXT_HEADER_OFF: usize = 6;
export const IPV6_HOP_LIMIT_OFF: usize = 7;
export const IPV6_SADDR_OFF: usize = 8;
export const IPV6_DADDR_OFF: usize = 24;

/** First bytes of every extension header, and all of a fragment header. */
export const IPV6_EXTENSION_LEN: u32 = 8;
export const IPV6_EXTENSION_LENGTH_OFF: usize = 1;
export const IPV6_EXTENSION_FRAGMENT_OFF: usize = 2;
export const IPV6_EXTENSION_ID_OFF: usize = 4;
export const IPV6_MORE_FRAGMENTS: u32 = 1;
export const IPV6_FRAGMENT_OFFSET: u32 = 0xFFF8;

export const IPPROTO_HOPOPTS: u32 = 0;
export const IPPROTO_ICMP: u32 = 1;
export const IPPROTO_TCP: u32 = 6;
export const IPPROTO_UDP: u32 = 17;
export const IPPROTO_ROUTING: u32 = 43;
export const IPPROTO_FRAGMENT: u32 = 44;
export const IPPROTO_AH: u32 = 51;
export const IPPROTO_ICMPV6: u32 = 58;
export const IPPROTO_DSTOPTS: u32 = 60;
export const IPPROTO_SCTP: u32 = 132;

export const L4_DPORT_OFF: usize = 2;
export const TCP_HLEN: u32 = 20;
export const TCP_FLAGS_OFF: usize = 13;
export const TCP_FIN: u32 = 1;
export const TCP_SYN: u32 = 2;
export const TCP_RST: u32 = 4;
export const TCP_ACK: u32 = 16;
export const UDP_HLEN: u32 = 8;
export const SCTP_HLEN: u32 = 12;

export const ICMP_HLEN: u32 = 8;
export const ICMP_CODE_OFF: usize = 1;
export const ICMP_ID_OFF: usize = 4;
export const ICMP_ECHOREPLY: u32 = 0;
export const ICMP_DEST_UNREACH: u32 = 3;
/** Code of ICMP_DEST_UNREACH. */
export const ICMP_FRAG_NEEDED: u32 = 4;
export const ICMP_ECHO: u32 = 8;
export const ICMP_TIME_EXCEEDED: u32 = 11;
export const ICMP_PARAMETER_PROBLEM: u32 = 12;
export const ICMPV6_DEST_UNREACH: u32 = 1;
export const ICMPV6_PACKET_TOO_BIG: u32 = 2;
export const ICMPV6_PARAMETER_PROBLEM: u32 = 4;
export const ICMPV6_ECHO: u32 = 128;
export const ICMPV6_ECHOREPLY: u32 = 129;
export const NDP_ROUTER_SOLICIT: u32 = 133;
export const NDP_NEIGHBOUR_SOLICIT: u32 = 135;
export const NDP_NEIGHBOUR_ADVERT: u32 = 136;
