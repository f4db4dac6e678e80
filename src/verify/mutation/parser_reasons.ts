import {
  ADD,
  BOUND,
  COPY,
  LINEAR,
  OFF_BY_ONE,
  PASS,
  PIVOT,
  type ReasonRow,
  SUBTRACT,
  TRUTH,
  WORDS,
} from "./reason_row.ts";

/** Why mutants of `bpf/parse.h` and of what it leaves to later stages survive. */
export const PARSER_REASONS: readonly ReasonRow[] = [
  { ...BOUND, lines: ["if ((void *)(ip + 1) > data_end)"], kinds: OFF_BY_ONE, most: 2 },
  { ...BOUND, lines: ["if (l4 + UDP_HLEN > data_end)"], kinds: ADD, most: 2 },
  { ...BOUND, lines: ["if (l4 + UDP_HLEN > data_end)"], kinds: SUBTRACT, most: 4 },
  { ...BOUND, lines: ["if (l4 + TCP_FLAGS_OFFSET + 1 > data_end)"], kinds: ADD, most: 4 },
  { ...BOUND, lines: ["if (l4 + TCP_FLAGS_OFFSET + 1 > data_end)"], kinds: SUBTRACT, most: 2 },
  {
    text: "extension headers end before this bound at their longest",
    equivalent: true,
    lines: ["if (offset > L4_OFFSET_MAX || end - offset < header_len)"],
    kinds: ADD,
  },
  {
    text: "a packet of 16 KiB of extension headers tells, and no frame of the harness holds one",
    equivalent: false,
    lines: ["if (offset > L4_OFFSET_MAX || end - offset < header_len)"],
    kinds: SUBTRACT,
  },
  {
    text: "7 bytes hold no header: the length that it states says so next",
    equivalent: true,
    lines: ["if (chain->end - chain->offset < IPV6_EXTENSION_LEN ||"],
    kinds: SUBTRACT,
  },
  {
    text: "a later fragment ends the walk: where it stands, and what came before, is not asked",
    equivalent: true,
    lines: ["chain->fragment = FRAGMENT_LATER;"],
    kinds: OFF_BY_ONE,
    most: 2,
  },
  {
    text:
      "whether to walk at all: the walk asks again, and the numbers beside are no extension headers",
    equivalent: true,
    lines: ["return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING ||"],
    kinds: OFF_BY_ONE,
    most: 3,
  },
  {
    text:
      "a quote that is too short for its IP header leaves too little for the next, or a source of " +
      "zeros, to whom no error is sent",
    equivalent: true,
    lines: [
      "if (end - offset < sizeof(ip) || bpf_skb_load_bytes(skb, offset, &ip, sizeof(ip)))",
    ],
    kinds: OFF_BY_ONE,
    most: 5,
  },
  {
    text: "an L4 header that begins at the end of the quote is too short as well",
    equivalent: true,
    lines: ["if (!offset || offset > end || end - offset < sizeof(l4) ||"],
    kinds: ADD,
  },
  {
    text: "nobody reads the last of the 8 bytes of a quoted L4 header",
    equivalent: true,
    lines: ["bpf_skb_load_bytes(skb, offset, &l4, sizeof(l4)))"],
    kinds: SUBTRACT,
  },
  {
    ...BOUND,
    text: "the reason for a frame without a whole Ethernet header, which no device hands over",
    lines: ["if ((const void *)(eth + 1) > data_end)"],
    kinds: OFF_BY_ONE,
  },
  {
    ...PIVOT,
    lines: ["switch (eth->protocol) {", "switch (quoted->protocol) {"],
    kinds: SUBTRACT,
  },
  {
    text:
      "a pivot of the compiler's search, a length that a flag beside overrules, or the ICMP of the " +
      "other family, which is dropped next",
    equivalent: true,
    lines: ["switch (protocol) {"],
    kinds: OFF_BY_ONE,
    most: 5,
  },
  {
    ...COPY,
    lines: [
      "if (family == 6)",
      "__u32 family = packet->tuple.family;",
      "if (type == (family == 4 ? ICMP_ECHO : ICMPV6_ECHO)) {",
      "if (type == (family == 4 ? ICMP_ECHOREPLY : ICMPV6_ECHOREPLY)) {",
      "if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6) {",
    ],
    kinds: OFF_BY_ONE,
  },
  {
    ...COPY,
    lines: ["if (protocol == (packet->tuple.family == 4 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))"],
    kinds: OFF_BY_ONE,
    most: 2,
  },
  {
    text: "an address that only ICMP uses, and its copy of this has another",
    equivalent: true,
    lines: ["packet->trackable = 1;", "packet->creates = 1;"],
    kinds: OFF_BY_ONE,
  },
  {
    text: "of 11 and 12 the compiler makes 0 and 1, and asks whether at most 1 is left",
    equivalent: true,
    lines: ["return type == ICMP_DEST_UNREACH || type == ICMP_TIME_EXCEEDED ||"],
    kinds: SUBTRACT,
  },
  { ...WORDS, lines: ["header_len = (ip->version_ihl & 0xF) * 4;"], kinds: ADD },
  {
    ...WORDS,
    lines: ["if (ip.version_ihl >> 4 != 4 || header_len < IPV4_HLEN ||"],
    kinds: OFF_BY_ONE,
  },
  {
    ...WORDS,
    lines: ["if (header_len < IPV4_HLEN || total_len < header_len ||"],
    kinds: SUBTRACT,
  },
  {
    ...PASS,
    lines: [
      "return DROP_VLAN_FILTERED;",
    ],
    kinds: SUBTRACT,
  },
  {
    ...TRUTH,
    lines: [
      "break;",
      "}",
      "return found && found->expires > now ? found : 0;",
      "if (chain->fragment == FRAGMENT_LATER)",
      "quoted->dport = l4.ports.dport;",
      "return icmp->type == ICMP_DEST_UNREACH && icmp->code == ICMP_FRAG_NEEDED;",
      "parse_quoted(skb, packet, offset + ICMP_HLEN, end);",
    ],
    kinds: ADD,
  },
  { ...TRUTH, lines: ["if (packet->fragment == FRAGMENT_LATER)"], kinds: ADD, most: 3 },
  {
    ...LINEAR,
    lines: [
      "if ((void *)(long)skb->data + len <= (void *)(long)skb->data_end)",
      "return bpf_skb_pull_data(skb, len < skb->len ? len : skb->len);",
    ],
    most: 3,
  },
  {
    text: "the reason for a VLAN tag that the device took out; BPF_PROG_TEST_RUN cannot set one",
    equivalent: false,
    lines: ["if (skb->vlan_present)", "packet->length = skb->len;", "struct packet packet = {};"],
    kinds: OFF_BY_ONE,
  },
];
