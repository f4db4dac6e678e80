import fc from "fast-check";
import type { Json } from "./manifest.ts";
import { DNS_NAMES, PORT_NAMES, PORTS } from "./universe.ts";

const number = fc.constantFrom(...PORTS);
const transport = fc.constantFrom("TCP", "UDP", "SCTP", "ANY");

const range = fc.tuple(number, number).map(([a, b]) => a < b ? [a, b] as const : [b, a] as const);

const portSpec: fc.Arbitrary<Json> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(number, transport).map(([port, protocol]) => ({
      port: `${port}`,
      protocol,
    })),
  },
  { weight: 1, arbitrary: number.map((port) => ({ port: `${port}` })) },
  {
    weight: 3,
    arbitrary: fc.tuple(range, transport).map(([[port, endPort], protocol]) => ({
      port: `${port}`,
      endPort,
      protocol,
    })),
  },
  { weight: 1, arbitrary: transport.map((protocol) => ({ port: "0", protocol })) },
  {
    weight: 6,
    arbitrary: fc.tuple(
      fc.constantFrom(...PORT_NAMES),
      fc.constantFrom("TCP", "TCP", "UDP", "ANY", "SCTP"),
    )
      .map(([port, protocol]) => ({ port, protocol })),
  },
);

const httpCondition: fc.Arbitrary<{ readonly [field: string]: Json }> = fc.oneof(
  fc.constantFrom("GET", "GET|POST", "P.*").map((method) => ({ method })),
  fc.constantFrom("/public", "/public.*", "/(admin|public)").map((path) => ({ path })),
  fc.constantFrom("example\\.com", ".*\\.org", "EXAMPLE.COM").map((host) => ({ host })),
  fc.constantFrom("X-Key", "x-key: 1", "x-key: 1").map((header) => ({ headers: [header] })),
  fc.constantFrom<Json>({ value: "2" }, { value: "2" }, { value: "2", mismatch: "LOG" }, {})
    .map((match) => ({ headerMatches: [{ name: "x-key", ...match as object }] })),
);

// Many conditions rarely meet.
const httpRule: fc.Arbitrary<Json> = fc.array(httpCondition, { minLength: 1, maxLength: 2 })
  .map((conditions): Json => Object.assign({}, ...conditions));

const dnsRule: fc.Arbitrary<Json> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(...DNS_NAMES).map((matchName): Json => ({ matchName })),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom("*", "*.example.com", "**.example.com", "a*i.example.com", "*.com")
      .map((matchPattern): Json => ({ matchPattern })),
  },
);

/** A DNS name or pattern, as `toFQDNs` and `rules.dns` have it. */
export const fqdnSelector: fc.Arbitrary<Json> = dnsRule;

const plainItem = fc.array(portSpec, { minLength: 1, maxLength: 2 })
  .map((ports): Json => ({ ports }));

const httpPort = fc.oneof(
  number.map((port): Json => ({ port: `${port}`, protocol: "TCP" })),
  fc.constant<Json>({ port: "80", protocol: "TCP" }),
  fc.constant<Json>({ port: "web", protocol: "TCP" }),
  range.map(([port, endPort]): Json => ({ port: `${port}`, endPort, protocol: "TCP" })),
);

const httpItem = fc.tuple(
  fc.array(httpPort, { minLength: 1, maxLength: 2 }),
  fc.array(httpRule, { maxLength: 2 }),
).map(([ports, http]): Json => ({ ports, rules: { http } }));

const dnsItem = fc.tuple(
  fc.constantFrom("53", "80", "dns"),
  fc.constantFrom("UDP", "TCP", "ANY"),
  fc.array(dnsRule, { maxLength: 2 }),
).map(([port, protocol, dns]): Json => ({ ports: [{ port, protocol }], rules: { dns } }));

const serverName = fc.constantFrom(
  ...DNS_NAMES,
  "*.example.com",
  "**.example.com",
  "API.example.com",
);

const sniItem = fc.tuple(
  fc.array(httpPort, { minLength: 1, maxLength: 2 }),
  fc.array(serverName, { minLength: 1, maxLength: 2 }),
).map(([ports, serverNames]): Json => ({ ports, serverNames }));

/** `toPorts` of a deny rule: ports only. */
export const denyPorts: fc.Arbitrary<Json> = fc.array(plainItem, { minLength: 1, maxLength: 2 });

/** `toPorts` of an ingress rule: ports, and HTTP or TLS above them. */
export const ingressPorts: fc.Arbitrary<Json> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: plainItem },
    { weight: 3, arbitrary: httpItem },
    { weight: 1, arbitrary: sniItem },
  ),
  { minLength: 1, maxLength: 2 },
);

/** `toPorts` of an egress rule: ports, and HTTP, DNS or TLS above them. */
export const egressPorts: fc.Arbitrary<Json> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: plainItem },
    { weight: 2, arbitrary: httpItem },
    { weight: 2, arbitrary: dnsItem },
    { weight: 1, arbitrary: sniItem },
  ),
  { minLength: 1, maxLength: 2 },
);

const icmpField: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>({ type: 8 }, { type: "EchoReply" }, { family: "IPv4", type: "Redirect" }),
  fc.constantFrom<Json>({ family: "IPv6", type: 128 }, { family: "IPv6", type: "EchoReply" }),
);

/** `icmps`. */
export const icmps: fc.Arbitrary<Json> = fc.array(icmpField, { minLength: 1, maxLength: 2 })
  .map((fields): Json => [{ fields }]);

const kubernetesTransport = fc.constantFrom("TCP", "UDP", "SCTP");

/** `ports` of a NetworkPolicy rule. */
export const networkPolicyPorts: fc.Arbitrary<Json> = fc.array(
  fc.oneof(
    { weight: 1, arbitrary: fc.constant<Json>({}) },
    { weight: 1, arbitrary: kubernetesTransport.map((protocol): Json => ({ protocol })) },
    {
      weight: 3,
      arbitrary: fc.tuple(kubernetesTransport, number)
        .map(([protocol, port]): Json => ({ protocol, port })),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(kubernetesTransport, range)
        .map(([protocol, [port, endPort]]): Json => ({ protocol, port, endPort })),
    },
    {
      weight: 3,
      arbitrary: fc.tuple(kubernetesTransport, fc.constantFrom(...PORT_NAMES))
        .map(([protocol, port]): Json => ({ protocol, port })),
    },
  ),
  { minLength: 1, maxLength: 2 },
);

const destination: fc.Arbitrary<Json> = fc.oneof(
  number.map((port): Json => ({ destinationPort: { number: port } })),
  range.filter(([start, end]) => start < end)
    .map(([start, end]): Json => ({ destinationPort: { range: { start, end } } })),
);

/** `protocols` of a ClusterNetworkPolicy rule; names only where the peers can be pods. */
export function clusterProtocols(named: "named" | "numbered"): fc.Arbitrary<Json> {
  const numbered = fc.tuple(fc.constantFrom("tcp", "udp", "sctp"), destination)
    .map(([protocol, port]): Json => ({ [protocol]: port }));
  const one = named === "numbered" ? numbered : fc.oneof(
    { weight: 3, arbitrary: numbered },
    {
      weight: 1,
      arbitrary: fc.constantFrom(...PORT_NAMES).map((destinationNamedPort): Json => ({
        destinationNamedPort,
      })),
    },
  );
  return fc.array(one, { minLength: 1, maxLength: 2 });
}
