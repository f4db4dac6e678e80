/** Numbers of rtnetlink used here; see linux/netlink.h, rtnetlink.h, if_link.h, if_addr.h. */

export const NLMSG = { ERROR: 2, DONE: 3 } as const;

export const NLM_F = {
  REQUEST: 0x1,
  MULTI: 0x2,
  ACK: 0x4,
  DUMP_INTR: 0x10,
  REPLACE: 0x100,
  EXCL: 0x200,
  CREATE: 0x400,
  /** ROOT | MATCH, on requests. */
  DUMP: 0x300,
  /** On errors: the request is not repeated behind its header. */
  CAPPED: 0x100,
  /** On errors: attributes follow. */
  ACK_TLVS: 0x200,
} as const;

export const NLMSGERR_ATTR = { MSG: 1 } as const;

export const RTM = {
  NEWLINK: 16,
  DELLINK: 17,
  GETLINK: 18,
  SETLINK: 19,
  NEWADDR: 20,
  DELADDR: 21,
  GETADDR: 22,
  NEWROUTE: 24,
  DELROUTE: 25,
  GETROUTE: 26,
  NEWNEIGH: 28,
  DELNEIGH: 29,
  GETNEIGH: 30,
  NEWRULE: 32,
  DELRULE: 33,
  GETRULE: 34,
  NEWQDISC: 36,
  DELQDISC: 37,
  NEWTFILTER: 44,
  DELTFILTER: 45,
  GETTFILTER: 46,
} as const;

export const IFLA = {
  ADDRESS: 1,
  IFNAME: 3,
  MTU: 4,
  LINKINFO: 18,
  AF_SPEC: 26,
  NET_NS_FD: 28,
  XDP: 43,
} as const;

export const IFLA_XDP = { ATTACHED: 2, PROG_ID: 4, DRV_PROG_ID: 5, SKB_PROG_ID: 6, HW_PROG_ID: 7 };
/** Values of IFLA_XDP.ATTACHED. */
export const XDP_ATTACHED = { DRV: 1, SKB: 2, HW: 3, MULTI: 4 } as const;

export const IFLA_INFO = { KIND: 1, DATA: 2 } as const;
export const VETH_INFO_PEER = 1;
export const IFLA_INET6_ADDR_GEN_MODE = 8;
export const ADDR_GEN_MODE_NONE = 1;

export const IFF = { UP: 0x1, LOOPBACK: 0x8, NOARP: 0x80, LOWER_UP: 0x10000 } as const;

export const IFA = { ADDRESS: 1, LOCAL: 2, FLAGS: 8 } as const;
export const IFA_F = { NODAD: 0x2, TENTATIVE: 0x40, PERMANENT: 0x80 } as const;

export const RTA = { DST: 1, OIF: 4, GATEWAY: 5, PRIORITY: 6, PREFSRC: 7, TABLE: 15 } as const;
export const RTNH_F_ONLINK = 4;
export const RT_TABLE_MAIN = 254;
export const RTPROT_STATIC = 4;
export const RT_SCOPE = { UNIVERSE: 0, LINK: 253, HOST: 254 } as const;
export const RTN = { UNICAST: 1, LOCAL: 2 } as const;

export const FRA = {
  DST: 1,
  SRC: 2,
  IIFNAME: 3,
  PRIORITY: 6,
  FWMARK: 10,
  SUPPRESS_PREFIXLEN: 14,
  TABLE: 15,
  FWMASK: 16,
  PAD: 18,
  PROTOCOL: 21,
} as const;
export const FR_ACT_TO_TBL = 1;

export const TCA = { KIND: 1, OPTIONS: 2 } as const;
export const TCA_BPF = { FD: 6, NAME: 7, FLAGS: 8, ID: 11 } as const;
export const TCA_BPF_FLAG_ACT_DIRECT = 1;

export const NDA = { DST: 1, LLADDR: 2 } as const;
export const NUD_PERMANENT = 0x80;
