/** Policies whose rules above the transport are wrong. */
import { policy, testWrong } from "../_manifest.ts";

const IN_RULE1 = 'Cannot read CiliumNetworkPolicy "default/rule1": ';
const EVERY_POD = "  endpointSelector: {}\n";
const ingress = (rule: string) => policy(`${EVERY_POD}  ingress: [${rule}]`);
const ingressDeny = (rule: string) => policy(`${EVERY_POD}  ingressDeny: [${rule}]`);
const egress = (rule: string) => policy(`${EVERY_POD}  egress: [${rule}]`);

testWrong([
  {
    description: "two kinds of L7 rules",
    text: egress(
      '{ toPorts: [{ ports: [{ port: "53", protocol: TCP }], rules: { http: [{}], dns: [{ matchPattern: "*" }] } }] }',
    ),
    message: [
      `${IN_RULE1}spec.egress[0].toPorts[0].rules has both http and dns, expected one kind of rules`,
      "  at p.yaml:7:73",
    ],
  },
  {
    description: "HTTP rules over UDP",
    text: ingress(
      '{ toPorts: [{ ports: [{ port: "80", protocol: UDP }], rules: { http: [{}] } }] }',
    ),
    message: [
      `${IN_RULE1}spec.ingress[0].toPorts[0].ports[0] has protocol UDP with HTTP rules, expected protocol TCP`,
      "  at p.yaml:7:35",
    ],
  },
  {
    description: "HTTP rules without a protocol",
    text: ingress('{ toPorts: [{ ports: [{ port: "80" }], rules: { http: [{}] } }] }'),
    message: [
      `${IN_RULE1}spec.ingress[0].toPorts[0].ports[0] has protocol ANY with HTTP rules, expected protocol TCP`,
      "  at p.yaml:7:35",
    ],
  },
  {
    description: "DNS rules under ingress",
    text: ingress(
      '{ toPorts: [{ ports: [{ port: "53" }], rules: { dns: [{ matchPattern: "*" }] } }] }',
    ),
    message: [
      `${IN_RULE1}spec.ingress[0].toPorts[0].rules has DNS rules, expected an egress rule for them`,
      "  at p.yaml:7:59",
    ],
  },
  {
    description: "DNS rules over SCTP",
    text: egress(
      '{ toPorts: [{ ports: [{ port: "53", protocol: SCTP }], rules: { dns: [{ matchPattern: "*" }] } }] }',
    ),
    message: [
      `${IN_RULE1}spec.egress[0].toPorts[0].ports[0] has protocol SCTP with DNS rules, expected protocol UDP, TCP or ANY`,
      "  at p.yaml:7:34",
    ],
  },
  {
    description: "DNS rules over a range",
    text: egress(
      '{ toPorts: [{ ports: [{ port: "53", endPort: 54 }], rules: { dns: [{ matchPattern: "*" }] } }] }',
    ),
    message: [
      `${IN_RULE1}spec.egress[0].toPorts[0].ports[0] has a range of ports with DNS rules, expected a port`,
      "  at p.yaml:7:34",
    ],
  },
  {
    description: "L7 rules on port 0",
    text: ingress(
      '{ toPorts: [{ ports: [{ port: "0", protocol: TCP }], rules: { http: [{}] } }] }',
    ),
    message: [
      `${IN_RULE1}spec.ingress[0].toPorts[0].ports[0] has port 0 with L7 rules, expected a port`,
      "  at p.yaml:7:35",
    ],
  },
  {
    description: "L7 rules in a deny rule",
    text: ingressDeny(
      '{ toPorts: [{ ports: [{ port: "80", protocol: TCP }], rules: { http: [{}] } }] }',
    ),
    message: [
      `${IN_RULE1}spec.ingressDeny[0].toPorts[0].rules is not possible in a deny rule (what it denies never reaches a proxy), expected ports alone`,
      "  at p.yaml:7:78",
    ],
  },
  {
    description: "a path that is no regular expression",
    text: ingress(
      '{ toPorts: [{ ports: [{ port: "80", protocol: TCP }], rules: { http: [{ path: "/a(" }] } }] }',
    ),
    message: [
      `${IN_RULE1}spec.ingress[0].toPorts[0].rules.http[0].path is no regular expression (unterminated group), expected a regular expression that RE2 accepts`,
      "  at p.yaml:7:91",
    ],
  },
  {
    description: "a path with look-ahead",
    text: ingress(
      '{ toPorts: [{ ports: [{ port: "80", protocol: TCP }], rules: { http: [{ path: "/(?!admin)" }] } }] }',
    ),
    message: [
      `${IN_RULE1}spec.ingress[0].toPorts[0].rules.http[0].path has (?!a…, which RE2 does not know, expected a regular expression that RE2 accepts`,
      "  at p.yaml:7:91",
    ],
  },
  {
    description: "a method with a backreference",
    text: ingress(
      "{ toPorts: [{ ports: [{ port: \"80\", protocol: TCP }], rules: { http: [{ method: '(G)\\1' }] } }] }",
    ),
    message: [
      `${IN_RULE1}spec.ingress[0].toPorts[0].rules.http[0].method has a backreference (\\1), expected a regular expression that RE2 accepts`,
      "  at p.yaml:7:93",
    ],
  },
  {
    description: "a header without a space",
    text: ingress(
      '{ toPorts: [{ ports: [{ port: "80", protocol: TCP }], rules: { http: [{ headers: ["X-Has-Force:true"] }] } }] }',
    ),
    message: [
      `${IN_RULE1}spec.ingress[0].toPorts[0].rules.http[0].headers[0] is "X-Has-Force:true", expected "Name: value" or "Name"`,
      "  at p.yaml:7:95",
      "  did you mean X-Has-Force: true?",
    ],
  },
  {
    description: "a header match without a name",
    text: ingress(
      '{ toPorts: [{ ports: [{ port: "80", protocol: TCP }], rules: { http: [{ headerMatches: [{ value: a }] }] } }] }',
    ),
    message: [
      `${IN_RULE1}spec.ingress[0].toPorts[0].rules.http[0].headerMatches[0] has no name, expected the name of a header`,
      "  at p.yaml:7:101",
    ],
  },
  {
    description: "an unknown mismatch action",
    text: ingress(
      '{ toPorts: [{ ports: [{ port: "80", protocol: TCP }], rules: { http: [{ headerMatches: [{ name: a, mismatch: DROP }] }] } }] }',
    ),
    message: [
      `${IN_RULE1}spec.ingress[0].toPorts[0].rules.http[0].headerMatches[0].mismatch is "DROP", expected one of LOG, ADD, DELETE, REPLACE`,
      "  at p.yaml:7:122",
    ],
  },
  {
    description: "Kafka rules",
    text: ingress(
      '{ toPorts: [{ ports: [{ port: "9092", protocol: TCP }], rules: { kafka: [{ topic: a }] } }] }',
    ),
    message: [
      `${IN_RULE1}spec.ingress[0].toPorts[0].rules.kafka is not supported (Cilium has deprecated proxies other than for HTTP and DNS), expected http or dns`,
      "  at p.yaml:7:85",
    ],
  },
  {
    description: "rules of another proxy",
    text: ingress(
      '{ toPorts: [{ ports: [{ port: "1", protocol: TCP }], rules: { l7proto: r2d2, l7: [{ cmd: HALT }] } }] }',
    ),
    message: [
      `${IN_RULE1}spec.ingress[0].toPorts[0].rules.l7proto is not supported (Cilium has deprecated proxies other than for HTTP and DNS), expected http or dns`,
      "  at p.yaml:7:84",
    ],
  },
  {
    description: "serverNames with L7 rules but without TLS termination",
    text: egress(
      '{ toPorts: [{ ports: [{ port: "443", protocol: TCP }], serverNames: [cilium.io], rules: { http: [{}] } }] }',
    ),
    message: [
      `${IN_RULE1}spec.egress[0].toPorts[0] has serverNames with L7 rules, expected terminatingTLS beside them, or one of the two`,
      "  at p.yaml:7:24",
    ],
  },
  {
    description: "an empty server name",
    text: egress('{ toPorts: [{ ports: [{ port: "443", protocol: TCP }], serverNames: [""] }] }'),
    message: [
      `${IN_RULE1}spec.egress[0].toPorts[0].serverNames[0] is empty, expected a server name`,
      "  at p.yaml:7:81",
    ],
  },
  {
    description: "a listener under ingress",
    text: ingress(
      '{ toPorts: [{ ports: [{ port: "80", protocol: TCP }], listener: { name: l, envoyConfig: { name: e } } }] }',
    ),
    message: [
      `${IN_RULE1}spec.ingress[0].toPorts[0].listener is for egress only, expected an egress rule`,
      "  at p.yaml:7:77",
    ],
  },
  {
    description: "a listener with L7 rules",
    text: egress(
      '{ toPorts: [{ ports: [{ port: "80", protocol: TCP }], listener: { name: l, envoyConfig: { name: e } }, rules: { http: [{}] } }] }',
    ),
    message: [
      `${IN_RULE1}spec.egress[0].toPorts[0] has a listener with L7 rules, expected one of the two`,
      "  at p.yaml:7:24",
    ],
  },
  {
    description: "a listener of priority 0",
    text: egress(
      '{ toPorts: [{ ports: [{ port: "80", protocol: TCP }], listener: { name: l, priority: 0, envoyConfig: { name: e } } }] }',
    ),
    message: [
      `${IN_RULE1}spec.egress[0].toPorts[0].listener.priority is 0, expected a number from 1 to 100`,
      "  at p.yaml:7:97",
    ],
  },
  {
    description: "TLS termination without a secret",
    text: egress(
      '{ toPorts: [{ ports: [{ port: "443", protocol: TCP }], terminatingTLS: { certificate: a } }] }',
    ),
    message: [
      `${IN_RULE1}spec.egress[0].toPorts[0].terminatingTLS has no secret, expected secret`,
      "  at p.yaml:7:83",
    ],
  },
]);
