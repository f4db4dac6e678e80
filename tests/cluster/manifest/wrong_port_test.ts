/** Policies whose ports or ICMP types are wrong. */
import { policy, testWrong } from "../_manifest.ts";

const IN_RULE1 = 'Cannot read CiliumNetworkPolicy "default/rule1": ';
const EVERY_POD = "  endpointSelector: {}\n";
const ingress = (rule: string) => policy(`${EVERY_POD}  ingress: [${rule}]`);
const port = (item: string) => ingress(`{ toPorts: [{ ports: [${item}] }] }`);

testWrong([
  {
    description: "port 99999",
    text: port('{ port: "99999" }'),
    message: [
      `${IN_RULE1}spec.ingress[0].toPorts[0].ports[0].port is "99999", expected a number from 0 to 65535 without leading zeros, or the name of a container port`,
      "  at p.yaml:7:43",
    ],
  },
  {
    description: "a negative port",
    text: port("{ port: -1 }"),
    message: [
      `${IN_RULE1}spec.ingress[0].toPorts[0].ports[0].port is "-1", expected a number from 0 to 65535 without leading zeros, or the name of a container port`,
      "  at p.yaml:7:43",
    ],
  },
  {
    description: "a port with a leading zero",
    text: port("{ port: 080 }"),
    message: [
      `${IN_RULE1}spec.ingress[0].toPorts[0].ports[0].port is "080", expected a number from 0 to 65535 without leading zeros, or the name of a container port`,
      "  at p.yaml:7:43",
    ],
  },
  {
    description: "a port with a fraction",
    text: port("{ port: 80.5 }"),
    message: [
      `${IN_RULE1}spec.ingress[0].toPorts[0].ports[0].port is "80.5", expected a number from 0 to 65535 without leading zeros, or the name of a container port`,
      "  at p.yaml:7:43",
    ],
  },
  {
    description: "a range in one text",
    text: port('{ port: "80-90" }'),
    message: [
      `${IN_RULE1}spec.ingress[0].toPorts[0].ports[0].port is "80-90", expected a number from 0 to 65535 without leading zeros, or the name of a container port`,
      "  at p.yaml:7:43",
    ],
  },
  {
    description: "a port name of 16 letters",
    text: port("{ port: abcdefghijklmnop }"),
    message: [
      `${IN_RULE1}spec.ingress[0].toPorts[0].ports[0].port is "abcdefghijklmnop", expected a number from 0 to 65535 without leading zeros, or the name of a container port`,
      "  at p.yaml:7:43",
    ],
  },
  {
    description: "a range that ends before it starts",
    text: port('{ port: "90", endPort: 80 }'),
    message: [
      `${IN_RULE1}spec.ingress[0].toPorts[0].ports[0].endPort is 80, below port 90, expected 90 to 65535`,
      "  at p.yaml:7:58",
    ],
  },
  {
    description: "a range without a start",
    text: port("{ endPort: 80 }"),
    message: [
      `${IN_RULE1}spec.ingress[0].toPorts[0].ports[0].endPort is set without a port, expected port, the first of the range`,
      "  at p.yaml:7:46",
    ],
  },
  {
    description: "more than 40 ports",
    text: port(Array.from({ length: 41 }, (_, i) => `{ port: ${i + 1} }`).join()),
    message: [
      `${IN_RULE1}spec.ingress[0].toPorts[0].ports has 41 ports, expected at most 40`,
      "  at p.yaml:7:34",
    ],
  },
  {
    description: "no port at all",
    text: ingress("{ toPorts: [{}] }"),
    message: [
      `${IN_RULE1}spec.ingress[0].toPorts[0] has no ports, expected ports`,
      "  at p.yaml:7:25",
    ],
  },
  {
    description: "an empty list of ports",
    text: ingress("{ toPorts: [{ ports: [] }] }"),
    message: [
      `${IN_RULE1}spec.ingress[0].toPorts[0].ports is an empty list, expected at least one port`,
      "  at p.yaml:7:34",
    ],
  },
  {
    description: "a misspelt protocol",
    text: port('{ port: "80", protocol: TPC }'),
    message: [
      `${IN_RULE1}spec.ingress[0].toPorts[0].ports[0].protocol is "TPC", expected one of TCP, UDP, SCTP, ANY`,
      "  at p.yaml:7:59",
    ],
  },
  {
    description: "ICMP among the ports",
    text: port('{ port: "8", protocol: ICMP }'),
    message: [
      `${IN_RULE1}spec.ingress[0].toPorts[0].ports[0].protocol is "ICMP", which has no ports here, expected a rule of its own with icmps`,
      "  at p.yaml:7:58",
    ],
  },
  {
    description: "a protocol without ports",
    text: port('{ port: "0", protocol: GRE }'),
    message: [
      `${IN_RULE1}spec.ingress[0].toPorts[0].ports[0].protocol is "GRE", which has no ports here, expected one of TCP, UDP, SCTP, ANY`,
      "  at p.yaml:7:58",
    ],
  },
  {
    description: "ICMP types beside ports",
    text: ingress("{ icmps: [{ fields: [{ type: 8 }] }], toPorts: [{ ports: [{ port: 80 }] }] }"),
    message: [
      `${IN_RULE1}spec.ingress[0] has both icmps and toPorts, expected a rule for each of the two`,
      "  at p.yaml:7:13",
    ],
  },
  {
    description: "more than 40 ICMP types",
    text: ingress(
      `{ icmps: [{ fields: [${Array.from({ length: 41 }, (_, i) => `{ type: ${i} }`).join()}] }] }`,
    ),
    message: [
      `${IN_RULE1}spec.ingress[0].icmps[0].fields has 41 ICMP types, expected at most 40`,
      "  at p.yaml:7:33",
    ],
  },
  {
    description: "an ICMP type of the other family",
    text: ingress("{ icmps: [{ fields: [{ type: PacketTooBig }] }] }"),
    message: [
      `${IN_RULE1}spec.ingress[0].icmps[0].fields[0].type is "PacketTooBig", a type of IPv6 only, expected 0 to 255 or the name of an ICMP type of IPv4`,
      "  at p.yaml:7:42",
    ],
  },
  {
    description: "a misspelt ICMP type",
    text: ingress("{ icmps: [{ fields: [{ type: EchoRequst }] }] }"),
    message: [
      `${IN_RULE1}spec.ingress[0].icmps[0].fields[0].type is "EchoRequst", expected 0 to 255 or the name of an ICMP type of IPv4`,
      "  at p.yaml:7:42",
      "  did you mean EchoRequest?",
    ],
  },
  {
    description: "ICMP type 256",
    text: ingress("{ icmps: [{ fields: [{ type: 256 }] }] }"),
    message: [
      `${IN_RULE1}spec.ingress[0].icmps[0].fields[0].type is "256", expected 0 to 255 or the name of an ICMP type of IPv4`,
      "  at p.yaml:7:42",
    ],
  },
  {
    description: "an ICMP field without a type",
    text: ingress("{ icmps: [{ fields: [{ family: IPv6 }] }] }"),
    message: [
      `${IN_RULE1}spec.ingress[0].icmps[0].fields[0] has no type, expected a number or a name`,
      "  at p.yaml:7:34",
    ],
  },
  {
    description: "an unknown ICMP family",
    text: ingress("{ icmps: [{ fields: [{ family: ipv6, type: 128 }] }] }"),
    message: [
      `${IN_RULE1}spec.ingress[0].icmps[0].fields[0].family is "ipv6", expected one of IPv4, IPv6`,
      "  at p.yaml:7:44",
      "  did you mean IPv6?",
    ],
  },
  {
    description: "ICMP rules without fields",
    text: ingress("{ icmps: [{}] }"),
    message: [
      `${IN_RULE1}spec.ingress[0].icmps[0] has no fields, expected fields with at least one type`,
      "  at p.yaml:7:23",
    ],
  },
]);
