/**
 * Why basic blocks are not reached: a table that is kept by hand, so that a block that nobody has
 * looked at stands out.
 *
 * A line of C names a reason. Each reason holds for a stated number of blocks per function and no
 * more: why the next one is not reached is not known.
 *
 * @module
 */

/** A reason, and the blocks that it is the reason of. */
export interface BlockReason {
  readonly text: string;
  /** Lines of C, without white space around. */
  readonly lines: readonly string[];
  /** Programs in which it holds. @default all of them */
  readonly programs?: readonly string[];
  /** Blocks of one line in one function of one program that it holds for. @default {1} */
  readonly most?: number;
}

const COPY =
  "the compiler has a copy of this for each family, where what is for the other one never runs";
const LINEAR =
  "BPF_PROG_TEST_RUN keeps frames whole in the skb's linear part, so nothing is left to be pulled";
const PASSED =
  "policy_ingress parses what from_container has let through: IP, whole, with a source of its own";
const DIRECTION = "a program has one direction, and this function serves both";

/** Every reason. */
export const BLOCK_REASONS: readonly BlockReason[] = [
  {
    text: "the clock is driven here; a constant of the same programs chooses the machine's",
    lines: ["return bpf_ktime_get_ns();"],
    most: 2,
  },
  {
    text: LINEAR,
    lines: ["return bpf_skb_pull_data(skb, len < skb->len ? len : skb->len);"],
    most: 5,
  },
  {
    text: LINEAR,
    lines: ["if ((void *)(long)skb->data + len <= (void *)(long)skb->data_end)"],
    most: 2,
  },
  {
    text: COPY,
    lines: [
      "if (protocol == (packet->tuple.family == 4 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))",
      "if (type == (family == 4 ? ICMP_ECHO : ICMPV6_ECHO)) {",
      "if (type == (family == 4 ? ICMP_ECHOREPLY : ICMPV6_ECHOREPLY)) {",
      "if (family == 6)",
      "return type == ICMP_DEST_UNREACH || type == ICMP_TIME_EXCEEDED ||",
    ],
  },
  {
    text: COPY,
    lines: ["if (is_icmp_error(family, type))", "return icmp->type == ICMPV6_PACKET_TOO_BIG;"],
    most: 2,
  },
  {
    text: COPY,
    lines: ["return icmp->type == ICMP_DEST_UNREACH && icmp->code == ICMP_FRAG_NEEDED;"],
    most: 3,
  },
  {
    text: "what none of the cases takes; the loop has left at any other header",
    lines: ["switch (chain->next_header) {"],
  },
  {
    text: "an LRU table evicts before it refuses",
    lines: [
      "return error ? DROP_FRAG_NOSUPPORT : 0;",
      "return error ? DROP_CT_CREATE_FAILED : 0;",
    ],
  },
  {
    text: "no slot is larger than the largest size class has",
    lines: ["if (slot >= geometry.slots)"],
  },
  {
    text: "a null check that the verifier wants: redirects of entries are in the array",
    lines: ["return port ? *(volatile __u32 *)port : 0;"],
    programs: ["from_container", "policy_ingress"],
  },
  {
    text: DIRECTION,
    lines: ["return ct_find(&packet->quoted, !direction, 0, now) ||"],
    most: 2,
  },
  {
    text: DIRECTION,
    lines: ["other |= packet->quoted.daddr[i] ^ packet->tuple.saddr[i];", "if (other)"],
    programs: ["policy_ingress", "to_container"],
    most: 3,
  },
  {
    text: PASSED,
    lines: [
      "if (reason > 0)",
      "return is_extension(chain->next_header) ? DROP_INVALID_EXTHDR : 0;",
      "switch (protocol) {",
    ],
    programs: ["policy_ingress"],
  },
  {
    text: PASSED,
    lines: [
      "switch (eth->protocol) {",
      "return !reason && discovery && is_neighbour_discovery(packet->policy_port) ?",
    ],
    programs: ["policy_ingress"],
    most: 4,
  },
];
