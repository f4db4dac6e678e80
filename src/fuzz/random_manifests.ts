import type { Random } from "../verify/random.ts";

const NAMESPACES = ["blue", "green"] as const;
const APPS = ["api", "web", "db"] as const;
const TIERS = ["front", "back"] as const;
const PODS = 8;
const ENTITIES = ["world", "host", "cluster", "remote-node", "all", "kube-apiserver"] as const;
const PORTS = ["53", "80", "443", "4096", "8080", "9000"] as const;

type Json = Readonly<Record<string, unknown>>;

/** A random cluster with policies, as a list of manifests. */
export function randomManifests(random: Random): string {
  const items: Json[] = [
    ...NAMESPACES.map(namespace),
    ...Array.from({ length: PODS }, (_, i) => pod(random, i)),
    ...Array.from({ length: 4 + random.below(10) }, (_, i) => policy(random, i)),
  ];
  return JSON.stringify({ apiVersion: "v1", kind: "List", items }, undefined, 1);
}

function namespace(name: string): Json {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels: { team: name } } };
}

function pod(random: Random, index: number): Json {
  const ips = [`10.66.1.${index + 1}`, `fd00:66::${index + 1}`];
  const families = random.below(6);
  const podIPs = ips.filter((_, i) => families !== i).map((ip) => ({ ip }));
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `pod-${index}`,
      namespace: random.pick(NAMESPACES),
      labels: { app: random.pick(APPS), tier: random.pick(TIERS) },
    },
    spec: { containers: [] },
    status: { podIPs },
  };
}

function policy(random: Random, index: number): Json {
  const direction = random.pick(["ingress", "egress", "both"] as const);
  const rules = (name: "ingress" | "egress") =>
    direction === "both" || direction === name ? rulesOf(random, name) : {};
  return {
    apiVersion: "cilium.io/v2",
    kind: "CiliumNetworkPolicy",
    metadata: { name: `policy-${index}`, namespace: random.pick(NAMESPACES) },
    spec: {
      endpointSelector: selector(random),
      ...rules("ingress"),
      ...rules("egress"),
      ...(random.below(6) === 0 ? { enableDefaultDeny: { ingress: false, egress: false } } : {}),
    },
  };
}

function rulesOf(random: Random, direction: "ingress" | "egress"): Json {
  const allow = Array.from({ length: 1 + random.below(3) }, () => rule(random, direction, false));
  const deny = random.below(3) === 0 ? [rule(random, direction, true)] : [];
  return {
    [direction]: allow,
    ...(deny.length === 0 ? {} : { [`${direction}Deny`]: deny }),
  };
}

function rule(random: Random, direction: "ingress" | "egress", isDeny: boolean): Json {
  const authenticated = !isDeny && random.below(12) === 0;
  return {
    ...peers(random, direction === "ingress" ? "from" : "to"),
    ...ports(random, isDeny),
    ...(authenticated ? { authentication: { mode: "required" } } : {}),
  };
}

function peers(random: Random, word: "from" | "to"): Json {
  switch (random.below(6)) {
    case 0:
      return {};
    case 1:
      return { [`${word}Entities`]: [random.pick(ENTITIES)] };
    case 2:
      return { [`${word}CIDR`]: [cidr(random)] };
    case 3:
      return {
        [`${word}CIDRSet`]: [{ cidr: "10.77.0.0/16", except: [`10.77.${random.below(4)}.0/24`] }],
      };
    default:
      return { [`${word}Endpoints`]: [selector(random)] };
  }
}

function cidr(random: Random): string {
  return random.below(2) === 0
    ? `10.77.${random.below(4)}.0/${random.pick([24, 26, 32] as const)}`
    : `fd00:77::${random.below(8)}/128`;
}

function ports(random: Random, isDeny: boolean): Json {
  switch (random.below(5)) {
    case 0:
      return {};
    case 1:
      return { icmps: [{ fields: [icmpField(random)] }] };
    case 2: {
      const port = random.pick(["1000", "8080"] as const);
      const endPort = Number(port) + 1 + random.below(2000);
      return { toPorts: [{ ports: [{ port, endPort, protocol: protocol(random) }] }] };
    }
    case 3:
      if (!isDeny) return { toPorts: [httpPorts(random)] };
      break;
  }
  return {
    toPorts: [{
      ports: Array.from(
        { length: 1 + random.below(3) },
        () => ({ port: random.pick(PORTS), protocol: protocol(random) }),
      ),
    }],
  };
}

function icmpField(random: Random): Json {
  return random.below(2) === 0
    ? { family: "IPv4", type: random.pick([0, 3, 8, 11] as const) }
    : { family: "IPv6", type: random.pick([1, 2, 128, 129] as const) };
}

function protocol(random: Random): string {
  return random.pick(["TCP", "TCP", "UDP", "SCTP", "ANY"] as const);
}

function httpPorts(random: Random): Json {
  return {
    ports: [{ port: random.pick(["80", "443", "9000"] as const), protocol: "TCP" }],
    rules: { http: [{ method: "GET" }] },
  };
}

function selector(random: Random): Json {
  switch (random.below(4)) {
    case 0:
      return {};
    case 1:
      return { matchLabels: { tier: random.pick(TIERS) } };
    default:
      return { matchLabels: { app: random.pick(APPS) } };
  }
}
