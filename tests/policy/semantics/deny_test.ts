/** Default deny, deny rules and enforcement modes. */
import { all, cilium, clusterwide, DB, TCP80, WEB } from "./_cluster.ts";
import { CODE, DOCS, testVerdicts } from "./_table.ts";

const DEFAULT = `${DOCS}/intro/#endpoint-default-policy`;
const DENY = `${DOCS}/deny/`;
const MODES = `${DOCS}/intro/#policy-enforcement-modes`;

testVerdicts([
  {
    source: `${DOCS}/layer3/#ingress-egress-default-deny`,
    policies: cilium(`${DB}, ingress: [{}]`),
    flows: [
      ["blue/web", "blue/db", "80/TCP", "denied at ingress", "an empty rule allows nothing"],
    ],
  },
  {
    source: `${DOCS}/layer3/#ingress-egress-default-deny`,
    policies: cilium(`${DB}, egress: [{}]`),
    flows: [
      ["blue/db", "blue/web", "80/TCP", "denied at egress", "the same at egress"],
      ["blue/db", "n1", "80/TCP", "denied at egress", "towards the host too"],
      ["red/web", "blue/db", "80/TCP", "allowed", "while ingress stays open"],
    ],
  },
  {
    source: `${CODE}/policy/utils/parserules.go (mergeEndpointSelectors)`,
    policies: cilium(`${DB}, ingress: [{ fromEndpoints: [] }]`),
    flows: [["blue/web", "blue/db", "80/TCP", "denied at ingress", "an empty list is nobody"]],
  },
  {
    source: `${CODE}/policy/utils/parserules.go (mergeEndpointSelectors)`,
    policies: cilium(`${DB}, ingress: [{ fromEndpoints: [], ${TCP80} }]`),
    flows: [["blue/web", "blue/db", "80/TCP", "denied at ingress", "with ports or without"]],
  },
  {
    source: `${CODE}/policy/api/rule.go (Ingress: "If omitted or empty, this rule does not apply")`,
    policies: cilium(`${DB}, ingress: [], egress: [{}]`),
    flows: [["red/web", "blue/db", "80/TCP", "allowed", "an empty list of rules is no rule"]],
  },
  {
    source: DEFAULT,
    policies: cilium(`${DB}, enableDefaultDeny: { ingress: false }, ingress: [{ ${TCP80} }]`),
    flows: [
      ["red/web", "blue/db", "81/TCP", "allowed", "without default deny the rest stays open"],
    ],
  },
  {
    source: DEFAULT,
    policies: cilium(
      `${DB}, enableDefaultDeny: { egress: false }, ingress: [{}], egress: [{}]`,
    ),
    flows: [
      ["blue/db", "blue/web", "80/TCP", "allowed", "default deny is per direction: egress off"],
      ["blue/web", "blue/db", "80/TCP", "denied at ingress", "and ingress on"],
    ],
  },
  {
    source: `${CODE}/policy/repository.go (computePolicyEnforcementAndRules)`,
    policies: cilium(`${DB}, enableDefaultDeny: { egress: true }, ingress: [{}]`),
    flows: [["blue/db", "blue/web", "80/TCP", "allowed", "it needs a rule in its direction"]],
  },
  {
    source: DEFAULT,
    policies: all(
      cilium(`${DB}, enableDefaultDeny: { ingress: false }, ingress: [{ ${TCP80} }]`, "open"),
      cilium(`${DB}, ingress: [{ fromEndpoints: [{ matchLabels: { app: web } }] }]`, "closed"),
    ),
    flows: [
      ["red/web", "blue/db", "80/TCP", "allowed", "the rules of both policies allow"],
      ["red/web", "blue/db", "81/TCP", "denied at ingress", "and one is enough to close"],
    ],
  },
  {
    source: DENY,
    policies: all(
      cilium(`${DB}, ingress: [{ fromEntities: [all] }]`, "a"),
      cilium(`${DB}, ingressDeny: [{ fromEndpoints: [{ matchLabels: { app: web } }] }]`, "b"),
    ),
    flows: [
      ["blue/web", "blue/db", "80/TCP", "denied at ingress", "a denial beats an allowance"],
      ["red/web", "blue/db", "80/TCP", "allowed", "where both match"],
    ],
  },
  {
    source: DENY,
    policies: cilium(
      `${DB}, ingress: [{ fromEndpoints: [{ matchLabels: { app: web } }], ${TCP80} }], ingressDeny: [{ fromEntities: [all] }]`,
    ),
    flows: [
      ["blue/web", "blue/db", "80/TCP", "denied at ingress", "even a broad one beats a narrow one"],
    ],
  },
  {
    source: DENY,
    policies: cilium(
      `${DB}, ingress: [{ fromEntities: [all] }], ingressDeny: [{ toPorts: [{ ports: [{ port: '80', protocol: TCP }] }] }]`,
    ),
    flows: [
      ["red/web", "blue/db", "80/TCP", "denied at ingress", "one port is denied to everyone"],
      ["red/web", "blue/db", "81/TCP", "allowed", "the others are not"],
    ],
  },
  {
    source: DENY,
    policies: cilium(`${DB}, ingressDeny: [{ fromEndpoints: [{ matchLabels: { app: web } }] }]`),
    flows: [
      ["blue/db", "blue/db", "80/TCP", "denied at ingress", "deny rules turn default deny on"],
    ],
  },
  {
    source: DEFAULT,
    policies: cilium(
      `${DB}, enableDefaultDeny: { ingress: false }, ingressDeny: [{ fromEndpoints: [{ matchLabels: { app: web } }] }]`,
    ),
    flows: [
      ["blue/db", "blue/db", "80/TCP", "allowed", "unless they are told not to"],
      ["blue/web", "blue/db", "80/TCP", "denied at ingress", "and deny all the same"],
    ],
  },
  {
    source: DENY,
    policies: all(
      clusterwide("endpointSelector: {}, egressDeny: [{ toEntities: [world] }]", "a"),
      cilium(`${DB}, egress: [{ toCIDR: [20.1.2.3/32] }]`, "b"),
    ),
    flows: [
      ["blue/db", "20.1.2.3", "80/TCP", "denied at egress", "a clusterwide denial holds for all"],
    ],
  },
  {
    source: MODES,
    policies: cilium(`${WEB}, ingress: [{ fromEndpoints: [{ matchLabels: { app: db } }] }]`),
    settings: { mode: "always" },
    flows: [
      ["blue/db", "blue/web", "80/TCP", "denied at egress", "always: every direction is closed"],
      ["8.8.8.8", "blue/db", "80/TCP", "denied at ingress", "of every pod"],
      ["n1", "blue/db", "80/TCP", "allowed", "but to the host"],
    ],
  },
  {
    source: MODES,
    policies: all(
      cilium(`${WEB}, ingress: [{ fromEndpoints: [{ matchLabels: { app: db } }] }]`, "a"),
      cilium(`${DB}, egress: [{ toEntities: [cluster] }]`, "b"),
    ),
    settings: { mode: "always" },
    flows: [["blue/db", "blue/web", "80/TCP", "allowed", "always: rules open as ever"]],
  },
  {
    source: MODES,
    policies: cilium(`${DB}, ingress: [{}], egress: [{}], ingressDeny: [{ fromEntities: [all] }]`),
    settings: { mode: "never" },
    flows: [
      ["blue/web", "blue/db", "80/TCP", "allowed", "never: no rule counts"],
      ["blue/db", "8.8.8.8", "80/TCP", "allowed", "in no direction"],
    ],
  },
]);
