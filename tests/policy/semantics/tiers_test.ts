/** The ClusterNetworkPolicy of Kubernetes: tiers, priorities, passing. */
import { all, cilium, kubernetes, tier } from "./_cluster.ts";
import { CODE, testVerdicts, TIERS } from "./_table.ts";

const SPEC = "https://network-policy-api.sigs.k8s.io/reference/spec/";
const FROM_WEB =
  "from: [{ pods: { namespaceSelector: {}, podSelector: { matchLabels: { app: web } } } }]";
const FROM_ALL = "from: [{ namespaces: {} }]";
const TO_ALL = "to: [{ networks: [0.0.0.0/0] }]";

function admin(rules: string, name = "admin", priority = 10): string {
  return tier(`tier: Admin, priority: ${priority}, ${rules}`, name);
}

function baseline(rules: string, name = "baseline"): string {
  return tier(`tier: Baseline, priority: 10, ${rules}`, name);
}

testVerdicts([
  {
    source: TIERS,
    policies: admin(`ingress: [{ action: Deny, ${FROM_WEB} }]`),
    flows: [
      ["red/web", "blue/db", "80/TCP", "denied at ingress", "Deny drops what it matches"],
      ["blue/db", "blue/db", "80/TCP", "allowed", "and isolates nobody"],
      ["blue/db", "red/web", "80/TCP", "allowed", "pods that are not its subject are free"],
    ],
  },
  {
    source: TIERS,
    policies: all(
      admin(`ingress: [{ action: Accept, ${FROM_WEB} }]`),
      kubernetes("podSelector: {}", "normal"),
    ),
    flows: [
      ["red/web", "blue/db", "80/TCP", "allowed", "Accept ends the matter before NetworkPolicy"],
      ["blue/db", "blue/db", "80/TCP", "denied at ingress", "which decides about the rest"],
    ],
  },
  {
    source: TIERS,
    policies: all(
      admin(`ingress: [{ action: Deny, ${FROM_WEB} }]`),
      kubernetes("podSelector: {}, ingress: [{}]", "normal"),
    ),
    flows: [
      ["blue/web", "blue/db", "80/TCP", "denied at ingress", "Deny ends it as well"],
      ["blue/db", "blue/db", "80/TCP", "allowed", "for what it matches"],
    ],
  },
  {
    source: TIERS,
    policies: all(
      admin(`ingress: [{ action: Accept, ${FROM_WEB} }]`),
      cilium("endpointSelector: {}, ingressDeny: [{ fromEntities: [all] }]", "normal"),
    ),
    flows: [
      ["blue/web", "blue/db", "80/TCP", "allowed", "Accept beats a Cilium denial"],
      ["blue/db", "blue/db", "80/TCP", "denied at ingress", "which holds for the rest"],
    ],
  },
  {
    source: SPEC,
    policies: admin(`ingress: [{ action: Accept, ${FROM_WEB} }, { action: Deny, ${FROM_ALL} }]`),
    flows: [
      ["red/web", "blue/db", "80/TCP", "allowed", "the first rule that matches counts"],
      ["blue/db", "blue/db", "80/TCP", "denied at ingress", "then the next one"],
    ],
  },
  {
    source: SPEC,
    policies: all(
      admin(`ingress: [{ action: Deny, ${FROM_ALL} }]`, "late", 20),
      admin(`ingress: [{ action: Accept, ${FROM_WEB} }]`, "early", 10),
    ),
    flows: [
      ["red/web", "blue/db", "80/TCP", "allowed", "a lower priority number comes first"],
      ["blue/db", "blue/db", "80/TCP", "denied at ingress", "a higher one after it"],
    ],
  },
  {
    source: `${CODE}/policy/types/entry.go (at one priority: deny, allow, pass)`,
    policies: all(
      admin(`ingress: [{ action: Accept, ${FROM_ALL} }]`, "one", 10),
      admin(`ingress: [{ action: Deny, ${FROM_WEB} }]`, "two", 10),
    ),
    flows: [
      ["red/web", "blue/db", "80/TCP", "denied at ingress", "at one priority Deny beats Accept"],
    ],
  },
  {
    source: `${CODE}/policy/types/entry.go (at one priority: deny, allow, pass)`,
    policies: all(
      admin(`ingress: [{ action: Pass, ${FROM_ALL} }]`, "one", 10),
      admin(`ingress: [{ action: Accept, ${FROM_WEB} }]`, "two", 10),
      kubernetes("podSelector: {}", "normal"),
    ),
    flows: [
      ["red/web", "blue/db", "80/TCP", "allowed", "at one priority Accept beats Pass"],
      ["blue/db", "blue/db", "80/TCP", "denied at ingress", "which sends on what is left"],
    ],
  },
  {
    source: SPEC,
    policies: all(
      admin(`ingress: [{ action: Pass, ${FROM_WEB} }, { action: Deny, ${FROM_ALL} }]`),
      kubernetes(
        "podSelector: {}, ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: a } } }] }]",
        "normal",
      ),
    ),
    flows: [
      ["blue/web", "blue/db", "80/TCP", "allowed", "Pass leaves it to NetworkPolicy"],
      ["red/web", "blue/db", "80/TCP", "denied at ingress", "which may drop it too"],
      ["blue/db", "blue/db", "80/TCP", "denied at ingress", "and skips nothing for the others"],
    ],
  },
  {
    source: SPEC,
    policies: admin(`ingress: [{ action: Pass, ${FROM_WEB} }, { action: Deny, ${FROM_ALL} }]`),
    flows: [
      ["red/web", "blue/db", "80/TCP", "allowed", "what is passed on and met by nobody is open"],
    ],
  },
  {
    source: TIERS,
    policies: baseline(`ingress: [{ action: Deny, ${FROM_ALL} }]`),
    flows: [
      ["red/web", "blue/db", "80/TCP", "denied at ingress", "Baseline decides where nobody does"],
      ["8.8.8.8", "blue/db", "80/TCP", "allowed", "about what it matches"],
    ],
  },
  {
    source: `${SPEC} ("further evaluation only happens for Pods not selected by a NetworkPolicy")`,
    policies: all(
      baseline(`ingress: [{ action: Accept, ${FROM_ALL} }]`),
      kubernetes("podSelector: { matchLabels: { app: db } }", "normal"),
    ),
    flows: [
      ["red/web", "blue/db", "80/TCP", "denied at ingress", "NetworkPolicy ends it for its pods"],
      ["red/web", "blue/web", "80/TCP", "allowed", "and Baseline is for the others"],
    ],
  },
  {
    source: `${SPEC} ("v1.NetworkPolicy always makes a final decision for selected pods")`,
    policies: all(
      baseline(`ingress: [{ action: Deny, ${FROM_ALL} }]`),
      kubernetes("podSelector: {}, ingress: [{}]", "normal"),
    ),
    flows: [["red/web", "blue/db", "80/TCP", "allowed", "NetworkPolicy overrides Baseline"]],
  },
  {
    source: `${CODE}/policy/repository.go ("the wildcard rule is inserted to the last tier")`,
    policies: all(
      baseline(`ingress: [{ action: Deny, ${FROM_ALL} }]`),
      cilium(
        "endpointSelector: {}, enableDefaultDeny: { ingress: false }, ingress: [{ toPorts: [{ ports: [{ port: '80', protocol: TCP }] }] }]",
        "normal",
      ),
    ),
    flows: [
      ["red/web", "blue/db", "80/TCP", "allowed", "a rule without default deny ends it"],
      ["red/web", "blue/db", "81/TCP", "denied at ingress", "only for what it allows"],
    ],
  },
  {
    source: TIERS,
    policies: all(
      admin(`ingress: [{ action: Pass, ${FROM_ALL} }]`),
      baseline(`ingress: [{ action: Deny, ${FROM_WEB} }]`),
    ),
    flows: [
      ["red/web", "blue/db", "80/TCP", "denied at ingress", "what is passed on falls to Baseline"],
      ["blue/db", "blue/db", "80/TCP", "allowed", "and through it"],
    ],
  },
  {
    source: `${CODE}/k8s/cluster_network_policy.go (kcnpParseCIDRSelectors)`,
    policies: admin(`egress: [{ action: Deny, ${TO_ALL} }]`),
    flows: [
      ["blue/db", "8.8.8.8", "80/TCP", "denied at egress", "networks are addresses outside"],
      ["blue/db", "red/web", "80/TCP", "allowed", "and no pods, as blocks are in Cilium"],
    ],
  },
  {
    source: `${CODE}/k8s/cluster_network_policy.go (kcnpProcessNodeSelector)`,
    policies: admin(
      "egress: [{ action: Deny, to: [{ nodes: { matchLabels: { role: worker } } }] }]",
    ),
    flows: [
      ["blue/db", "n3", "80/TCP", "denied at egress", "nodes by their labels"],
      ["blue/db", "n2", "80/TCP", "allowed", "and not those without"],
    ],
  },
  {
    source: SPEC,
    policies: all(
      admin("egress: [{ action: Accept, to: [{ domainNames: ['*.example.com'] }] }]"),
      kubernetes("podSelector: {}, policyTypes: [Egress]", "normal"),
    ),
    flows: [
      ["blue/db", "40.0.0.2", "443/TCP", "allowed", "a domain name with a star: one label below"],
      ["blue/db", "40.0.0.3", "443/TCP", "allowed", "and several"],
      ["blue/db", "40.0.0.1", "443/TCP", "denied at egress", "and not the name itself"],
    ],
  },
  {
    source: SPEC,
    policies: admin(
      `ingress: [{ action: Deny, ${FROM_ALL}, protocols: [{ tcp: { destinationPort: { number: 80 } } }, { udp: { destinationPort: { range: { start: 50, end: 60 } } } }] }]`,
    ),
    flows: [
      ["red/web", "blue/db", "80/TCP", "denied at ingress", "protocols: a port"],
      ["red/web", "blue/db", "60/UDP", "denied at ingress", "or a range"],
      ["red/web", "blue/db", "61/UDP", "allowed", "and no further"],
      ["red/web", "blue/db", "80/SCTP", "allowed", "and no other protocol"],
    ],
  },
  {
    source: SPEC,
    policies: admin(
      `ingress: [{ action: Deny, ${FROM_ALL}, protocols: [{ destinationNamedPort: sql }] }]`,
    ),
    flows: [
      ["red/web", "blue/db", "5432/TCP", "denied at ingress", "protocols: a named port"],
      ["red/web", "blue/web", "5432/TCP", "allowed", "of pods that have it"],
    ],
  },
  {
    source: SPEC,
    policies:
      `{ apiVersion: policy.networking.k8s.io/v1alpha2, kind: ClusterNetworkPolicy, metadata: { name: p },
        spec: { tier: Admin, priority: 1, subject: { pods: { namespaceSelector: {}, podSelector: { matchLabels: { app: db } } } },
        ingress: [{ action: Deny, ${FROM_ALL} }] } }`,
    flows: [
      ["red/web", "blue/db", "80/TCP", "denied at ingress", "a subject of pods by their labels"],
      ["red/web", "blue/web", "80/TCP", "allowed", "and no others"],
    ],
  },
]);
