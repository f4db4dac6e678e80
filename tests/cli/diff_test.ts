import { SHOP } from "./_clusters.ts";
import { type CommandRow, commandTests } from "./_command.ts";

function rule(port: number): string {
  return `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: api, namespace: shop }
spec:
  endpointSelector: { matchLabels: { app: api } }
  ingress:
    - fromEndpoints: [{ matchLabels: { app: web } }]
      toPorts: [{ ports: [{ port: "${port}", protocol: TCP }] }]
`;
}

const FILES = {
  "shop.yaml": SHOP,
  "none.yaml": "",
  "old.yaml": rule(8080),
  "new.yaml": rule(8081),
};

/** As Hubble writes it. */
function flow(
  source: Record<string, unknown>,
  destination: Record<string, unknown>,
  rest: Record<string, unknown>,
): string {
  return JSON.stringify({
    flow: {
      time: "2026-01-02T03:04:05.678Z",
      verdict: "FORWARDED",
      source: { ID: 12, identity: 4321, ...source },
      destination: { identity: 1234, ...destination },
      Type: "L3_L4",
      node_name: "node-1",
      ...rest,
    },
    node_name: "node-1",
    time: "2026-01-02T03:04:05.678Z",
  });
}

const WEB = { namespace: "shop", labels: ["k8s:app=web"], pod_name: "web" };
const API = { namespace: "shop", labels: ["k8s:app=api"], pod_name: "api" };
/** A pod that has gone since: its labels say what it was. */
const GONE = {
  namespace: "shop",
  labels: ["k8s:app=web", "k8s:io.kubernetes.pod.namespace=shop"],
  pod_name: "web-7c9f",
};
const WORLD = { identity: 2, labels: ["reserved:world"] };
const TCP = (port: number) => ({ l4: { TCP: { source_port: 40000, destination_port: port } } });
const IP = { source: "192.0.2.1", destination: "10.0.0.2", ipVersion: "IPv4" };

const OPEN = `{"verdict":"allowed","reason":"no policy","rules":[]}`;
const OUTSIDE = `{"verdict":"allowed","reason":"not an endpoint","rules":[]}`;
const CLOSED = `{"verdict":"denied","reason":"policy","rules":[]}`;
const BY_WEB = `{"verdict":"allowed","reason":"rule","rules":[{"kind":"CiliumNetworkPolicy",` +
  `"namespace":"shop","name":"web","direction":"egress","index":0}]}`;
const BY_API = BY_WEB.replace(
  `"name":"web","direction":"egress"`,
  `"name":"api","direction":"ingress"`,
);

const ROWS: readonly CommandRow[] = [
  {
    description: "pairs whose verdict changes, and the rules",
    args: ["-f", "DIR/shop.yaml", "--before", "DIR/old.yaml", "--after", "DIR/new.yaml"],
    files: FILES,
    stdout: [
      "FROM      TO        PORTS     VERDICT           BEFORE                                   AFTER",
      "shop/web  shop/api  8080/TCP  allowed → denied  shop/web egress[0], shop/api ingress[0]  no rule",
      "1 change",
    ],
    code: 1,
  },
  {
    description: "nothing changes",
    args: ["-f", "DIR/shop.yaml", "--before", "DIR/old.yaml", "--after", "DIR/old.yaml"],
    files: FILES,
    stdout: ["Nothing changes"],
    code: 0,
  },
  {
    description: "a new policy closes a pod for everybody else",
    args: [
      ...["-f", "DIR/shop.yaml", "--before", "DIR/none.yaml", "--after", "DIR/old.yaml"],
      ...["-o", "jsonl"],
    ],
    files: FILES,
    stdout: ["ops/monitor", "shop/db", "world"].map((from) =>
      `{"from":"${from}","to":"shop/api","ports":["TCP","UDP","SCTP","ICMP","ICMPv6","other"],` +
      `"before":{"verdict":"allowed","egress":${
        from === "world" ? OUTSIDE : OPEN
      },"ingress":${OPEN}},` +
      `"after":{"verdict":"denied","egress":${
        from === "world" ? OUTSIDE : OPEN
      },"ingress":${CLOSED}}}`
    ),
    code: 1,
  },
  {
    description: "recorded flows: pods, pods that are gone, the world",
    args: [
      ...["-f", "DIR/shop.yaml", "--before", "DIR/old.yaml", "--after", "DIR/new.yaml"],
      ...["--flows", "-", "-o", "jsonl"],
    ],
    files: FILES,
    stdin: [
      flow(WEB, API, { IP, ...TCP(8080) }),
      flow(WEB, API, { IP, ...TCP(8080) }),
      flow(API, WEB, { IP, ...TCP(40000), is_reply: true }),
      flow(GONE, API, { IP, ...TCP(8080) }),
      flow(WORLD, API, { IP, ...TCP(8080) }),
      flow(WEB, API, { IP, l4: { ICMPv4: { type: 8 } } }),
      `{"lost_events":{"source":"PERF_EVENT_RING_BUFFER","num_events_lost":"3"}}`,
    ].join("\n"),
    stdout: [
      `{"from":"shop/web","to":"shop/api","port":"8080/TCP","flows":2,` +
      `"before":{"verdict":"allowed","egress":${BY_WEB},"ingress":${BY_API}},` +
      `"after":{"verdict":"denied","egress":${BY_WEB},"ingress":${CLOSED}}}`,
      `{"from":"shop/{app=web}","to":"shop/api","port":"8080/TCP","flows":1,` +
      `"before":{"verdict":"allowed","egress":${BY_WEB},"ingress":${BY_API}},` +
      `"after":{"verdict":"denied","egress":${BY_WEB},"ingress":${CLOSED}}}`,
    ],
    code: 1,
  },
  {
    description: "a line that is no flow",
    args: [
      ...["-f", "DIR/shop.yaml", "--before", "DIR/old.yaml", "--after", "DIR/old.yaml"],
      ...["--flows", "DIR/flows.jsonl"],
    ],
    files: {
      ...FILES,
      "flows.jsonl": [
        "flow",
        `{"flow":7}`,
        flow(WEB, API, { l4: { TCP: {} } }),
        flow({}, API, TCP(80)),
      ].join("\n"),
    },
    stdout: ["Nothing changes"],
    stderr: [
      `Cannot use line 1 of "DIR/flows.jsonl": not JSON, expected a flow of hubble observe -o jsonpb`,
      `Cannot use line 2 of "DIR/flows.jsonl": flow is not an object, expected a flow of hubble observe -o jsonpb`,
      `Cannot use line 3 of "DIR/flows.jsonl": destination_port is not a number, expected a flow of hubble observe -o jsonpb`,
      `Cannot use line 4 of "DIR/flows.jsonl": Cannot find an end of a flow: no pod, labels or address, expected one`,
    ],
    code: 2,
  },
  {
    description: "standard input asked for twice",
    args: ["--before", "-", "--after", "-"],
    stderr: [`Cannot read "-": asked for twice, expected once`],
    code: 2,
  },
  {
    description: "one state only",
    args: ["--before", "DIR/old.yaml"],
    files: FILES,
    stderr: ["error: required option '--after <path...>' not specified"],
    code: 2,
  },
];

commandTests("diff", ROWS);
