/**
 * Why mutants survive: a table that is kept by hand, so that a survivor that nobody has
 * looked at stands out.
 *
 * A line of C and a kind of mutation name a reason. Each reason holds for a stated number of
 * instructions per function and no more: what the next one has survived for is not known.
 *
 * @module
 */
import type { ImageMutant } from "./image_run.ts";
import type { MutationKind, ProgramMutant } from "./mutant.ts";

/** Why a mutant survives. */
export interface Reason {
  readonly text: string;
  /**
   * No packet can tell the mutant from the original. False where one could, but not here:
   * such a survivor counts against the score.
   */
  readonly equivalent: boolean;
}

interface ReasonRow extends Reason {
  readonly lines: readonly string[];
  /** @default every kind */
  readonly kinds?: readonly MutationKind[];
  /** Mutants of one line, kind and function that it holds for. @default {1} */
  readonly most?: number;
}

const OFF_BY_ONE = ["immediate+1", "immediate-1"] as const;
const ADD = ["immediate+1"] as const;
const SUBTRACT = ["immediate-1"] as const;

const NULL_CHECK: Reason = {
  text: "a null check that the verifier wants: the element exists, and no pointer is 1 or -1",
  equivalent: true,
};
const FALLBACK: Reason = {
  text: "the value for a lookup that fails, which this one cannot",
  equivalent: true,
};
const TRUTH: Reason = { text: "a truth value: 2 is as true as 1", equivalent: true };
const BOUND: Reason = {
  text: "lengths have been checked against the frame before, so this bound always holds",
  equivalent: true,
};
const PIVOT: Reason = {
  text: "a pivot of the compiler's search for the case: neither side has one at this value",
  equivalent: true,
};
const LINEAR: Reason = {
  text: "frames of the harness lie in the linear part of the skb, and longer than they need be",
  equivalent: false,
};
const IPV6_WORD: Reason = {
  text: "a truth value, or a word of the IPv6 address that nobody reads of an IPv4 packet",
  equivalent: true,
};
const NOT_SHOWN: Reason = {
  text: "the conntrack state of a packet that raises no event",
  equivalent: true,
};

const ROWS: readonly ReasonRow[] = [
  { ...NULL_CHECK, lines: ["if (!value)"], kinds: OFF_BY_ONE, most: 4 },
  { ...NULL_CHECK, lines: ["if (!own)"], kinds: OFF_BY_ONE },
  { ...NULL_CHECK, lines: ["if (!header)"], kinds: OFF_BY_ONE, most: 6 },
  { ...NULL_CHECK, lines: ["return ambient ? ambient->now : 0;"], kinds: OFF_BY_ONE },
  {
    ...FALLBACK,
    lines: [
      "ambient = bpf_map_lookup_elem(&ambient_input, &zero);",
      "return bpf_map_lookup_elem(&endpoint_policies, &endpoint);",
      "packet->src_identity = src_identity;",
      "error = bpf_map_update_elem(&conntrack6, &key, &entry, BPF_ANY);",
    ],
    kinds: OFF_BY_ONE,
  },
  { ...FALLBACK, lines: ["if (!line)"], kinds: OFF_BY_ONE, most: 3 },
  {
    ...FALLBACK,
    lines: [
      "__noinline int policy_decide(__u32 policy, __u32 direction, __u32 slot, __u32 key,",
    ],
    kinds: OFF_BY_ONE,
  },
  {
    text:
      "the key of the header line is 0 and lies among zeros; no answer is what a lookup of it fails with",
    equivalent: true,
    lines: ["header = IMAGE_LINE(image, 0);"],
    kinds: OFF_BY_ONE,
    most: 12,
  },
  {
    text: "the reason for a packet that cannot be rewritten: its headers have been read before",
    equivalent: true,
    lines: ["if (packet->family == 4) {", "value->bytes += bytes;"],
    kinds: OFF_BY_ONE,
  },
  { ...BOUND, lines: ["if ((void *)(ip + 1) > data_end)"], kinds: OFF_BY_ONE, most: 2 },
  {
    ...BOUND,
    lines: [
      "if ((const void *)(ports + 1) > data_end)",
      "if (l4 + TCP_FLAGS_OFFSET + 1 > data_end)",
    ],
    kinds: ADD,
    most: 2,
  },
  {
    ...BOUND,
    lines: [
      "if ((const void *)(icmp + 1) > data_end)",
      "if (ip->hop_limit == 255 && payload_len >= ICMP_HLEN &&",
      "if (l4_len < header_len)",
    ],
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
    lines: ["switch (eth->protocol) {", "switch (packet->protocol) {"],
    kinds: SUBTRACT,
  },
  { ...PIVOT, lines: ["switch (ip->next_header) {"], kinds: ADD },
  {
    text: "the protocol is known by then: this way past the check is the compiler's",
    equivalent: true,
    lines: ["if (packet->protocol != IPPROTO_ICMP && packet->protocol != IPPROTO_ICMPV6) {"],
    kinds: OFF_BY_ONE,
    most: 2,
  },
  {
    text: "a length in words of 4 bytes: the lowest bits are 0",
    equivalent: true,
    lines: ["header_len = (ip->version_ihl & 0xF) * 4;"],
    kinds: ADD,
  },
  {
    text: "a length in words of 4 bytes: 19 is none",
    equivalent: true,
    lines: ["if (header_len < IPV4_HLEN || total_len < header_len ||"],
    kinds: SUBTRACT,
  },
  {
    ...TRUTH,
    lines: [
      "break;",
      "}",
      "if (ip->frag_off & bpf_htons(IP_MORE_FRAGMENTS_OR_OFFSET))",
      "icmp->type >= NDP_ROUTER_SOLICIT && icmp->type <= NDP_NEIGHBOUR_ADVERT)",
    ],
    kinds: ADD,
  },
  {
    ...IPV6_WORD,
    lines: [
      "packet->policy_port = bpf_ntohs(ports->dport);",
      "packet->sport = icmp->id;",
      "packet->always_allowed = packet->family == 4 &&",
    ],
    kinds: OFF_BY_ONE,
    most: 3,
  },
  { ...IPV6_WORD, lines: ["packet->dport = icmp->id;"], kinds: OFF_BY_ONE, most: 2 },
  {
    ...LINEAR,
    lines: [
      "if ((void *)(long)skb->data + len <= (void *)(long)skb->data_end)",
      "return bpf_skb_pull_data(skb, len < skb->len ? len : skb->len);",
    ],
  },
  {
    text: "the reason for a VLAN tag that the device took out; BPF_PROG_TEST_RUN cannot set one",
    equivalent: false,
    lines: ["if (skb->vlan_present)", "packet->length = skb->len;", "struct packet packet = {};"],
    kinds: OFF_BY_ONE,
  },
  {
    text: "a constant is neither 0 nor -1 here: the clock is always the tests' own",
    equivalent: false,
    lines: ["if (!CONFIG(ambient))"],
    kinds: SUBTRACT,
  },
  {
    text: "flags of a helper that decide when readers wake up, which no test waits for",
    equivalent: false,
    lines: ["bpf_ringbuf_submit(event, 0);"],
    kinds: OFF_BY_ONE,
  },
  {
    text: "flags of bpf_redirect, which BPF_PROG_TEST_RUN does not carry out; the demo does",
    equivalent: false,
    lines: ["return bpf_redirect(ifindex, 0);"],
    kinds: ADD,
  },
  {
    ...NOT_SHOWN,
    lines: [
      "if (packet->always_allowed) {",
      "return family == 4 ? IDENTITY_WORLD_IPV4 : IDENTITY_WORLD_IPV6;",
    ],
    kinds: OFF_BY_ONE,
  },
  {
    text: "an answer takes another way, so the state is never that of an answer here",
    equivalent: true,
    lines: ["if (entry) {", "__u32 flags = state == CT_REPLY ? CT_SEEN_REPLY : 0;"],
    kinds: OFF_BY_ONE,
  },
  {
    text: "a flag moved by one bit: the lowest is 0; and an answer has set bit 0 before",
    equivalent: true,
    lines: ["if (packet->tcp_flags & TCP_FIN)"],
    kinds: ADD,
    most: 2,
  },
  {
    text: "a mask of 32 bits under a slot: it differs for identity 2^32 - 1 only",
    equivalent: true,
    lines: ["verdict->ct_state = ct_lookup(packet, direction, now, &entry);"],
    kinds: SUBTRACT,
  },
  {
    text:
      "a reserved identity without a slot has no cells either: slot 0 and its own are both broad",
    equivalent: true,
    lines: ["return identity <= IDENTITY_RESERVED_MAX ? identity : 0;"],
    most: 2,
  },
  {
    text: "the sender is an endpoint of this node, and those have a slot",
    equivalent: true,
    lines: [
      "switch (identity >> IDENTITY_SCOPE_SHIFT) {",
      "raise_event(EVENT_TRACE, REASON_SLOT_FALLBACK, direction, packet, verdict);",
    ],
    most: 3,
  },
  {
    text: "a multiple of 4: the lowest bits are 0",
    equivalent: true,
    lines: ["words += index & 12;"],
    kinds: ADD,
    most: 6,
  },
  {
    text: "a merged profile combined with the broad one is the merged one again",
    equivalent: true,
    lines: ["if (!(flags & PROFILE_UNMERGED))"],
    kinds: OFF_BY_ONE,
    most: 6,
  },
  {
    text: "no entry has precedence 0, so it loses to every entry by precedence as well",
    equivalent: true,
    lines: ["if (broad->verdict == VERDICT_NONE)", "if (own->verdict == VERDICT_NONE)"],
    kinds: SUBTRACT,
    most: 3,
  },
  {
    text: "the cell behind the last is 0 (cell 0 of egress, or entry 0): broad, like slot 0",
    equivalent: true,
    lines: ["if (slot >= geometry.slots)"],
    kinds: ADD,
    most: 3,
  },
];

/** Hands out reasons, each as often as it holds. */
export class SurvivorReasons {
  readonly #used = new Map<string, number>();

  /** The reason for which a mutant survives; `undefined` if nobody knows one. */
  of(mutant: ProgramMutant): Reason | undefined {
    const row = ROWS.find(({ lines, kinds }) =>
      lines.includes(mutant.line) && (kinds?.includes(mutant.kind) ?? true)
    );
    if (row === undefined) return undefined;
    const key = `${mutant.function} ${mutant.line} ${mutant.kind}`;
    const used = (this.#used.get(key) ?? 0) + 1;
    this.#used.set(key, used);
    return used > (row.most ?? 1) ? undefined : { text: row.text, equivalent: row.equivalent };
  }
}

/** The reason of every flipped bit that changes no answer: that is computed, not known. */
const SAME_ANSWERS: Reason = {
  text: "every lookup that a packet can cause gives the same answer",
  equivalent: true,
};

/** The reason for which a flipped bit survives; `undefined` if there is none. */
export function reasonOfImageMutant({ equivalent }: ImageMutant): Reason | undefined {
  return equivalent ? SAME_ANSWERS : undefined;
}
