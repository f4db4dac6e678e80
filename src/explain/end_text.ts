import { type IpAddress, tryParseIpAddress } from "../cluster/ip_address.ts";

/** Well-known peers that stand for one end each, by the names that policies use. */
export const SINGLE_ENTITIES = [
  "host",
  "remote-node",
  "kube-apiserver",
  "health",
  "init",
  "ingress",
  "unmanaged",
  "world",
  "world-ipv4",
  "world-ipv6",
] as const;

/** One of {@linkcode SINGLE_ENTITIES}. */
export type SingleEntity = typeof SINGLE_ENTITIES[number];

/** One end of a flow, as somebody names it. */
export type EndText =
  | { readonly kind: "pod"; readonly namespace: string; readonly name: string }
  | { readonly kind: "address"; readonly address: IpAddress }
  | {
    /** Some pod that has these labels, whether one exists or not. */
    readonly kind: "labels";
    readonly namespace: string;
    /** Without source. */
    readonly labels: ReadonlyMap<string, string>;
    readonly serviceAccount?: string;
  }
  | { readonly kind: "entity"; readonly entity: SingleEntity };

/** Entities that stand for many ends. */
const MANY: readonly string[] = ["all", "cluster", "none"];
const NAMESPACE_KEY = "io.kubernetes.pod.namespace";
const SERVICE_ACCOUNT_KEY = "io.cilium.k8s.policy.serviceaccount";
/** Keys that a pod cannot choose: they come from its namespace and its cluster. */
const FOREIGN_KEY = /^io\.cilium\.k8s\.(namespace\.labels\.|policy\.cluster$)/;
const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const LABEL_KEY = /^([-a-zA-Z0-9.]{1,253}\/)?[a-zA-Z0-9]([-\w.]{0,61}[a-zA-Z0-9])?$/;
const LABEL_VALUE = /^([a-zA-Z0-9]([-\w.]{0,61}[a-zA-Z0-9])?)?$/;
const MAX_TEXT = 4096;

/**
 * Parses one end of a flow: `namespace/pod`, an address, labels (`app=web,tier=front`), or
 * an entity. A bare name that is no entity is a pod of the default namespace.
 *
 * Labels describe a pod that need not exist: a pod of the default namespace with just these
 * labels, or of the namespace that `io.kubernetes.pod.namespace=…` names; a `k8s:` before a
 * key changes nothing, and `reserved:host` is the entity.
 *
 * @throws {SyntaxError} when the text is none of these.
 */
export function parseEnd(text: string, defaultNamespace: string): EndText {
  if (text.length > MAX_TEXT) throw wrong(`${text.slice(0, 40)}…`, "too long");
  const address = tryParseIpAddress(text);
  if (address !== undefined) return { kind: "address", address };
  if (text.includes("=")) return parseLabels(text, defaultNamespace);
  const entity = text.replace(/^reserved:/, "");
  if (isSingle(entity)) return { kind: "entity", entity };
  if (MANY.includes(entity)) {
    throw new SyntaxError(
      `Cannot use "${text}" as an end of a flow: stands for many, expected one of ` +
        SINGLE_ENTITIES.join(", "),
    );
  }
  const [first = "", second, ...rest] = text.split("/");
  const [namespace, name] = second === undefined ? [defaultNamespace, first] : [first, second];
  if (rest.length > 0 || !NAME.test(namespace) || !NAME.test(name)) throw wrong(text);
  return { kind: "pod", namespace, name };
}

function parseLabels(text: string, defaultNamespace: string): EndText {
  const labels = new Map<string, string>();
  for (const part of text.split(",")) {
    const at = part.indexOf("=");
    const key = part.slice(0, Math.max(at, 0)).trim().replace(/^(k8s|any):/, "");
    const value = part.slice(at + 1).trim();
    if (at < 0 || !LABEL_KEY.test(key)) throw wrong(text, `${quoted(part)} is not a label`);
    if (!LABEL_VALUE.test(value)) throw wrong(text, `${quoted(value)} is not a label's value`);
    if (FOREIGN_KEY.test(key)) {
      throw wrong(text, `${quoted(key)} is not for a pod to choose`);
    }
    if (labels.has(key)) throw wrong(text, `${quoted(key)} is there twice`);
    labels.set(key, value);
  }
  const namespace = labels.get(NAMESPACE_KEY) ?? defaultNamespace;
  const serviceAccount = labels.get(SERVICE_ACCOUNT_KEY);
  labels.delete(NAMESPACE_KEY);
  labels.delete(SERVICE_ACCOUNT_KEY);
  if (!NAME.test(namespace)) throw wrong(text, `${quoted(namespace)} is not a namespace`);
  return {
    kind: "labels",
    namespace,
    labels,
    ...(serviceAccount === undefined ? {} : { serviceAccount }),
  };
}

function isSingle(text: string): text is SingleEntity {
  return SINGLE_ENTITIES.some((entity) => entity === text);
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

function wrong(text: string, state = "not an end of a flow"): SyntaxError {
  return new SyntaxError(
    `Cannot use ${quoted(text)} as an end of a flow: ${state}, ` +
      `expected namespace/pod, an address, key=value labels or an entity`,
  );
}
