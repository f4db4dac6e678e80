import type { ContainerPort } from "../cluster/object.ts";
import type { RuleOrigin } from "../cluster/rule.ts";
import type { Identity } from "../identity/identity.ts";
import { CLUSTER_KEY, type Labels } from "../identity/label.ts";
import { portsNamed } from "../identity/named_ports.ts";
import type { CompiledRule } from "../policy/compiled_rule.ts";
import { lastPortOf, PROTOCOL } from "../policy/map_state.ts";
import {
  type LabelsSelector,
  type Selector,
  selects,
  selectsIdentity,
} from "../policy/selector.ts";
import { rangeText } from "./open_ports.ts";
import { type FlowPort, formatPort } from "./port_text.ts";
import { requirementText, selectorText, shortKey } from "./selector_text.ts";

/** A rule that would have allowed a flow, but for something. */
export interface NearMiss {
  readonly rule: RuleOrigin;
  /** What did not match; both for a rule that is not near at all. */
  readonly missing: readonly ("peer" | "port")[];
  /** One line for each of them. */
  readonly texts: readonly string[];
}

/** The flow that was denied, from the side that denied it. */
export interface MissedFlow extends FlowPort {
  readonly direction: "ingress" | "egress";
  /** The other end. */
  readonly peer: Identity;
  /** Names of ports that pods of the peer's identity have. */
  readonly peerPortNames: ReadonlySet<string>;
  /** What the destination declares: port names mean these. */
  readonly destinationPorts: readonly ContainerPort[];
}

interface Judged {
  readonly miss: NearMiss;
  /** How far from a match: conditions not met, a port for one. */
  readonly distance: number;
}

/**
 * Finds the rule that came nearest to allowing a flow which no rule allows: the one with the
 * fewest conditions that are not met. Of equals the first.
 *
 * @param rules Every rule that selects the subject, as {@linkcode RuleTable.rulesFor} gives
 *   them.
 */
export function nearestMiss(
  rules: readonly CompiledRule[],
  flow: MissedFlow,
): NearMiss | undefined {
  let best: Judged | undefined;
  for (const rule of rules) {
    if (rule.direction !== flow.direction || rule.verdict !== "allow") continue;
    const judged = judge(rule, flow);
    if (judged === undefined) continue;
    if (best === undefined || judged.distance < best.distance) best = judged;
  }
  return best?.miss;
}

/** `undefined` for a rule that allows nobody, and for one that matches. */
function judge(rule: CompiledRule, flow: MissedFlow): Judged | undefined {
  const port = matchesPort(rule, flow) ? undefined : portMiss(rule, flow);
  const peer = peerMiss(rule, flow);
  if (peer === "nobody" || (port === undefined && peer === undefined)) return undefined;
  return {
    miss: {
      rule: rule.origin,
      missing: [...(peer ? ["peer" as const] : []), ...(port ? ["port" as const] : [])],
      texts: [peer?.text ?? "", port ?? ""].filter((text) => text !== ""),
    },
    distance: (peer?.unmet ?? 0) + (port === undefined ? 0 : 1),
  };
}

function matchesPort({ ports, namedPorts = [] }: CompiledRule, flow: MissedFlow): boolean {
  const { protocol, port, destinationPorts } = flow;
  const key = { identity: 0, direction: flow.direction };
  return ports.some((at) =>
    at.protocol === PROTOCOL.ANY ||
    (at.protocol === protocol && at.port <= port && port <= lastPortOf({ ...key, ...at }))
  ) || namedPorts.some(({ name, protocols }) =>
    portsNamed(destinationPorts, name, protocols).some((at) =>
      at.protocol === protocol && at.port === port
    )
  );
}

/** Port ranges that a message lists. */
const MOST_PORTS = 4;

function portMiss({ ports, namedPorts = [] }: CompiledRule, flow: MissedFlow): string {
  const key = { identity: 0, direction: flow.direction };
  const ranges = ports.map((at) => ({ ...at, last: lastPortOf({ ...key, ...at }) }))
    .sort((a, b) => a.protocol - b.protocol || a.port - b.port);
  const joined: typeof ranges = [];
  for (const range of ranges) {
    const before = joined.at(-1);
    // A range of ports is compiled to several aligned blocks.
    const next = before?.protocol === range.protocol && before.last + 1 === range.port;
    if (next) joined[joined.length - 1] = { ...before, last: range.last };
    else joined.push(range);
  }
  const texts = [
    ...joined.map(({ protocol, port, last }) => rangeText({ protocol, first: port, last })),
    ...namedPorts.map(({ name }) => `port "${name}"`),
  ];
  const more = texts.length > MOST_PORTS ? `, … (${texts.length})` : "";
  return `it is for ${texts.slice(0, MOST_PORTS).join(", ")}${more}, not ${formatPort(flow)}`;
}

/** `nobody` where no peer can ever match. */
function peerMiss(
  { peers }: CompiledRule,
  { peer, peerPortNames }: MissedFlow,
): { readonly text: string; readonly unmet: number } | "nobody" | undefined {
  if (peers === "all") return undefined;
  if (peers.length === 0) return "nobody";
  let best: { text: string; unmet: number } | undefined;
  for (const selector of peers) {
    if (selectsIdentity(selector, peer, peerPortNames)) return undefined;
    const miss = selectorMiss(selector, peer);
    if (best === undefined || miss.unmet < best.unmet) best = miss;
  }
  return best;
}

function selectorMiss(selector: Selector, { labels }: Identity): { text: string; unmet: number } {
  switch (selector.kind) {
    case "labels":
      return labelsMiss(selector, labels);
    default:
      return { text: `it is for ${selectorText(selector)}`, unmet: 1 };
  }
}

function labelsMiss(selector: LabelsSelector, labels: Labels): { text: string; unmet: number } {
  const unmet = selector.requirements.filter((requirement) =>
    !selects({ ...selector, requirements: [requirement] }, labels)
  );
  const known = labels.filter(({ source }) => source === "reserved").map(({ key }) => key);
  if (known.length > 0 && unmet.some(({ source }) => source !== "reserved")) {
    const asked = selector.requirements.filter(({ key }) => key !== CLUSTER_KEY);
    const isOfPods = asked.every(({ source }) => source === "any" || source === "k8s");
    const text = `it is for ${isOfPods ? "pods" : "peers"} with ${asked.map(requirementText).join(", ")}, ` +
      `the peer is ${known.join(", ")}`;
    return { text, unmet: unmet.length };
  }
  const text = unmet.map((requirement) => {
    const { source, key } = requirement;
    const found = labels.filter((l) => l.key === key && (source === "any" || l.source === source));
    const [label] = found;
    const has = label === undefined
      ? `the peer has no ${shortKey(key)}`
      : label.value === ""
      ? `the peer has ${label.source}:${key}`
      : `the peer has ${shortKey(key)}=${label.value}`;
    return `it asks for ${requirementText(requirement)}, ${has}`;
  }).join("; ");
  return { text, unmet: unmet.length };
}
