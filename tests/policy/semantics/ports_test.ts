/** Ports: numbers, ranges, names, protocols, ICMP types. */
import { cilium, DB, TCP80 } from "./_cluster.ts";
import { CODE, DOCS, testVerdicts } from "./_table.ts";

const PORTS = `${DOCS}/layer4/#limit-ingress-egress-ports`;
const ICMP = `${DOCS}/layer4/#limit-icmp-icmpv6-types`;

function ingress(rule: string): string {
  return cilium(`${DB}, ingress: [{ ${rule} }]`);
}

function ports(items: string): string {
  return ingress(`toPorts: [{ ports: [${items}] }]`);
}

testVerdicts([
  {
    source: PORTS,
    policies: ingress(TCP80),
    flows: [
      ["red/web", "blue/db", "80/TCP", "allowed", "a rule without peers is for everyone"],
      ["8.8.8.8", "blue/db", "80/TCP", "allowed", "even for the world"],
      ["blue/web", "blue/db", "81/TCP", "denied at ingress", "on its port only"],
      ["blue/web", "blue/db", "80/UDP", "denied at ingress", "and on its protocol only"],
      ["blue/web", "blue/db", "8/ICMP", "denied at ingress", "and not for pings"],
    ],
  },
  {
    source: `${DOCS}/layer4/#labels-dependent-layer-4-rule`,
    policies: ingress(`fromEndpoints: [{ matchLabels: { app: web } }], ${TCP80}`),
    flows: [
      ["blue/web", "blue/db", "80/TCP", "allowed", "peers and ports must both match"],
      ["blue/web", "blue/db", "443/TCP", "denied at ingress", "the right peer on another port"],
      ["blue/db", "blue/db", "80/TCP", "denied at ingress", "another peer on the right port"],
    ],
  },
  {
    source: `${DOCS}/layer4/#example-port-ranges`,
    policies: ports("{ port: '8080', endPort: 8095, protocol: TCP }"),
    flows: [
      ["blue/web", "blue/db", "8080/TCP", "allowed", "a range begins at its first port"],
      ["blue/web", "blue/db", "8095/TCP", "allowed", "and ends at its last"],
      ["blue/web", "blue/db", "8079/TCP", "denied at ingress", "below it is outside"],
      ["blue/web", "blue/db", "8096/TCP", "denied at ingress", "above it is outside"],
    ],
  },
  {
    source: `${DOCS}/layer4/#example-port-ranges`,
    policies: ports("{ port: '1', endPort: 65535, protocol: UDP }"),
    flows: [
      ["blue/web", "blue/db", "65535/UDP", "allowed", "a range of everything has every port"],
      ["blue/web", "blue/db", "1/UDP", "allowed", "from the first"],
    ],
  },
  {
    source: `${CODE}/policy/api/l4.go (PortProtocol: "ANY" matches TCP, UDP, SCTP)`,
    policies: ports("{ port: '53', protocol: ANY }"),
    flows: [
      ["blue/web", "blue/db", "53/TCP", "allowed", "ANY is TCP"],
      ["blue/web", "blue/db", "53/UDP", "allowed", "ANY is UDP"],
      ["blue/web", "blue/db", "53/SCTP", "allowed", "ANY is SCTP"],
      ["blue/web", "blue/db", "53/ICMP", "denied at ingress", "ANY is not ICMP"],
    ],
  },
  {
    source: `${CODE}/policy/api/l4.go (PortProtocol: no protocol is ANY)`,
    policies: ports("{ port: '53' }"),
    flows: [["blue/web", "blue/db", "53/UDP", "allowed", "no protocol is ANY"]],
  },
  {
    source: `${CODE}/policy/api/l4.go (PortProtocol: port 0 is all ports)`,
    policies: ports("{ port: '0', protocol: UDP }"),
    flows: [
      ["blue/web", "blue/db", "65535/UDP", "allowed", "port 0 is every port of the protocol"],
      ["blue/web", "blue/db", "65535/TCP", "denied at ingress", "and of no other"],
    ],
  },
  {
    source: PORTS,
    policies: ports("{ port: '80', protocol: TCP }, { port: '90', endPort: 92, protocol: TCP }"),
    flows: [
      ["blue/web", "blue/db", "80/TCP", "allowed", "the first of several ports"],
      ["blue/web", "blue/db", "92/TCP", "allowed", "and the second"],
      ["blue/web", "blue/db", "85/TCP", "denied at ingress", "and nothing between"],
    ],
  },
  {
    source: `${PORTS} ("a name in the form of http")`,
    policies: ports("{ port: sql, protocol: TCP }"),
    flows: [
      ["blue/web", "blue/db", "5432/TCP", "allowed", "a name at ingress is the subject's port"],
      ["blue/web", "blue/db", "5433/TCP", "denied at ingress", "and no other"],
    ],
  },
  {
    source: PORTS,
    policies: ports("{ port: sql, protocol: UDP }"),
    flows: [
      ["blue/web", "blue/db", "5432/UDP", "denied at ingress", "a name of another protocol"],
    ],
  },
  {
    source: PORTS,
    policies: ports("{ port: nowhere, protocol: TCP }"),
    flows: [
      ["blue/web", "blue/db", "80/TCP", "denied at ingress", "a name that nobody has is no port"],
    ],
  },
  {
    source: PORTS,
    policies: cilium(
      "endpointSelector: {}, egress: [{ toPorts: [{ ports: [{ port: http, protocol: TCP }] }] }]",
    ),
    flows: [
      ["blue/db", "blue/web", "8080/TCP", "allowed", "a name at egress is the peer's port"],
      ["blue/web", "blue/db", "80/TCP", "allowed", "which differs from peer to peer"],
      ["blue/web", "blue/db", "8080/TCP", "denied at egress", "and is not another peer's"],
      ["blue/db", "8.8.8.8", "80/TCP", "denied at egress", "and means nothing outside"],
      ["blue/db", "red/web", "80/TCP", "denied at egress", "nor at a pod without it"],
    ],
  },
  {
    source: ICMP,
    policies: ingress("icmps: [{ fields: [{ type: 8, family: IPv4 }] }]"),
    flows: [
      ["blue/web", "blue/db", "8/ICMP", "allowed", "an ICMP type"],
      ["blue/web", "blue/db", "0/ICMP", "denied at ingress", "and no other"],
      ["blue/web", "blue/db", "8/TCP", "denied at ingress", "and no port of that number"],
    ],
  },
  {
    source: ICMP,
    policies: ingress("icmps: [{ fields: [{ type: EchoRequest, family: IPv6 }] }]"),
    flows: [
      ["blue/web", "blue/db", "128/ICMPv6", "allowed", "an ICMPv6 type by name"],
      ["blue/web", "blue/db", "8/ICMP", "denied at ingress", "which is not that of IPv4"],
    ],
  },
  {
    source: ICMP,
    policies: ingress(
      "fromEndpoints: [{ matchLabels: { app: web } }], icmps: [{ fields: [{ type: 8 }] }]",
    ),
    flows: [
      ["blue/web", "blue/db", "8/ICMP", "allowed", "peers and types must both match"],
      ["blue/db", "blue/db", "8/ICMP", "denied at ingress", "for another peer they do not"],
    ],
  },
]);
