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
import type { ProgramMutant } from "./mutant.ts";
import { PARSER_REASONS } from "./parser_reasons.ts";
import {
  ADD,
  FALLBACK,
  MASK,
  NULL_CHECK,
  OFF_BY_ONE,
  OVERWRITTEN,
  type Reason,
  type ReasonRow,
  SUBTRACT,
} from "./reason_row.ts";

const ROWS: readonly ReasonRow[] = [
  ...PARSER_REASONS,
  { ...NULL_CHECK, lines: ["if (!value)"], kinds: OFF_BY_ONE, most: 4 },
  { ...NULL_CHECK, lines: ["if (!own)"], kinds: OFF_BY_ONE },
  { ...NULL_CHECK, lines: ["if (!header)"], kinds: OFF_BY_ONE, most: 6 },
  {
    ...NULL_CHECK,
    lines: ["return ambient ? ambient->now : 0;", "if (!packet || !verdict)"],
    kinds: OFF_BY_ONE,
    most: 2,
  },
  {
    ...FALLBACK,
    lines: ["ambient = bpf_map_lookup_elem(&ambient_input, &zero);"],
    kinds: OFF_BY_ONE,
    most: 2,
  },
  {
    ...FALLBACK,
    lines: [
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
      "__noinline int ct_create(const struct packet *packet, const struct verdict *verdict,",
      "__noinline int fragment_resolve(struct packet *packet, __u32 now)",
      "__noinline int parse_packet(struct __sk_buff *skb, struct packet *packet)",
      "struct ipv6_extension header = {};",
    ],
    kinds: OFF_BY_ONE,
  },
  {
    ...OVERWRITTEN,
    lines: [
      "struct accounting_key key = {};",
      "__noinline int raise_flowless_event(__u32 type, __u32 reason, __u32 direction,",
      "__noinline int parse_quoted(struct __sk_buff *skb, struct packet *packet, __u32 offset,",
      "offset = family == 4 ? quoted_ipv4(skb, quoted, offset, end) :",
      "return offset + header_len;",
      "__noinline int skip_extensions(struct __sk_buff *skb, struct extensions *chain)",
    ],
    kinds: OFF_BY_ONE,
  },
  { ...OVERWRITTEN, lines: ["switch (eth->protocol) {"], kinds: ADD },
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
    lines: ["if (packet->tuple.family == 4) {", "value->bytes += bytes;"],
    kinds: OFF_BY_ONE,
  },
  {
    text: "no reason is 1, and 0 has gone another way",
    equivalent: true,
    lines: ["if (reason > 0)"],
    kinds: OFF_BY_ONE,
  },
  {
    text: "a constant is neither 0 nor -1 here: the clock is always the tests' own",
    equivalent: false,
    lines: ["if (!CONFIG(ambient))"],
    kinds: SUBTRACT,
    most: 2,
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
    text:
      "the state of a packet that raises no event, a direction as true as 1, or a question about " +
      "a quote of zeros, which no flow has",
    equivalent: true,
    lines: ["return packet->quotes && ct_is_related(packet, direction, now) ? CT_RELATED :"],
    kinds: OFF_BY_ONE,
    most: 2,
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
    ...MASK,
    lines: [
      "return admit(DIRECTION_EGRESS, (__u32)peer, peer >> 32, 1, own, packet, verdict);",
      "reason = ingress(&packet, (__u32)source, source >> 32, 0, &verdict);",
    ],
    kinds: SUBTRACT,
  },
  {
    text: "a block begins at a multiple of 256 cells: the lowest bits are 0",
    equivalent: true,
    lines: ["__u32 index = (__u32)pointer % IPCACHE_CHUNK_BLOCKS * IPCACHE_BLOCK_CELLS + byte;"],
    kinds: ADD,
    most: 4,
  },
  {
    text: "no cell has all bits set",
    equivalent: true,
    lines: ["if (!(cell & IPCACHE_POINTER))"],
    kinds: SUBTRACT,
    most: 2,
  },
  {
    ...FALLBACK,
    lines: ["void *cells = bpf_map_lookup_elem(&ipcache_chunks, &chunk);"],
    kinds: OFF_BY_ONE,
  },
  {
    text: "a cell of 0 tells, and a block that is written holds an answer in each",
    equivalent: false,
    lines: ["return found ? found : ipcache_tables_lookup(family, address);"],
    kinds: OFF_BY_ONE,
    most: 2,
  },
  {
    text: "neighbour discovery asks whether an address is the host's, and the tables have that",
    equivalent: false,
    lines: [
      ".address = { address[0], address[1], address[2], address[3] },",
      "if (info)",
      "info = bpf_map_lookup_elem(&ipcache6_cidr, &cidr);",
    ],
    kinds: OFF_BY_ONE,
  },
  {
    text: "the options of a header have 4 to 40 bytes, which have been received",
    equivalent: true,
    lines: [
      "__noinline int check_ipv4_options(struct __sk_buff *skb, __u32 length)",
      "volatile __u8 next = 0;",
      "if (!length || length > IPV4_OPTIONS_LEN_MAX ||",
    ],
    kinds: OFF_BY_ONE,
    most: 2,
  },
  {
    text: "the byte behind the options is 0, which is no length",
    equivalent: true,
    lines: ["if (length - at < IPV4_OPTION_HLEN)"],
    kinds: SUBTRACT,
  },
  {
    text: "policy_decide() has no other reason between those of policy",
    equivalent: true,
    lines: [
      "return reason == DROP_POLICY || reason == DROP_POLICY_DENY || reason == DROP_AUTH_REQUIRED;",
    ],
    kinds: OFF_BY_ONE,
  },
  {
    text: "an entry names 0 bits of protocol and port, or 8 and more",
    equivalent: true,
    lines: ["if (verdict->prefix_len >= PROTOCOL_BITS) {"],
    kinds: SUBTRACT,
  },
  {
    text: "BPF_NOEXIST: the entry is missing, unless another CPU has made it meanwhile",
    equivalent: false,
    lines: ["bpf_map_update_elem(&accounting, &key, &first, BPF_ANY);"],
    kinds: ADD,
  },
  {
    text:
      "without an interval every event is due: only the table of those that are held back tells",
    equivalent: true,
    lines: ["if (CONFIG(event_interval)) {"],
    kinds: OFF_BY_ONE,
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
      "raise_flowless_event(EVENT_TRACE, REASON_SLOT_FALLBACK, direction, packet,",
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

/** The lines of C that reasons are about; one that is in no source has no use any more. */
export const REASON_LINES: readonly string[] = ROWS.flatMap(({ lines }) => lines);

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
