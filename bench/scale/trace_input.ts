/**
 * A cluster and questions about it, as files that `twinpath trace --queries` reads.
 *
 * @module
 */
import type { ClusterShape } from "./cluster.ts";

/** How large the cluster is, and how many questions there are. */
export interface TraceShape extends Pick<ClusterShape, "pods" | "policies"> {
  readonly queries: number;
}

const NAMESPACES = 20;
/** Characters that are written at once. */
const PIECE = 1 << 20;
/** Pods of one app are alike. */
const PODS_OF_APP = 5;
const PORTS = [
  ...[22, 80, 443, 3000, 5432, 8080, 8085, 8096, 9100, 9103].map((port) => ({
    protocol: "TCP",
    port,
  })),
  { protocol: "UDP", port: 53 },
];
/** Ends that are no pods. */
const OTHERS = ["10.99.3.4", "192.168.7.9", "192.168.40.1", "203.0.113.5", "2001:db8::7", "world"];
/** A prime, far above the number of flows: its multiples meet each of them once. */
const STRIDE = 4_294_967_311n;

function appOf(pod: number): number {
  return Math.floor(pod / PODS_OF_APP);
}

function namespaceOf(pod: number): string {
  return `team-${appOf(pod) % NAMESPACES}`;
}

function podName(pod: number): string {
  return `app-${appOf(pod)}-${pod % PODS_OF_APP}`;
}

function podOf(pod: number) {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      namespace: namespaceOf(pod),
      name: podName(pod),
      labels: { app: `app-${appOf(pod)}`, tier: `tier-${appOf(pod) % 5}` },
    },
    spec: { nodeName: `node-${pod % 10}` },
    status: { podIPs: [{ ip: `10.${1 + (pod >> 16)}.${pod >> 8 & 255}.${pod & 255}` }] },
  };
}

function ports(...numbers: readonly { readonly port: number; readonly endPort?: number }[]) {
  return [{
    ports: numbers.map(({ port, ...rest }) => ({ port: `${port}`, protocol: "TCP", ...rest })),
  }];
}

/** Policies of all kinds in turn, so that many of them meet at one pod. */
function policyOf(number: number, apps: number) {
  const app = number % apps;
  const namespace = `team-${app % NAMESPACES}`;
  const pods = (labels: Readonly<Record<string, string>>) => ({ matchLabels: labels });
  const own = { endpointSelector: pods({ app: `app-${app}` }) };
  const anywhere = {
    ...pods({ tier: `tier-${number % 5}` }),
    matchExpressions: [{ key: "k8s:io.kubernetes.pod.namespace", operator: "Exists" }],
  };
  const near = pods({ app: `app-${(app + NAMESPACES) % apps}` });
  const everyPod = { fromEntities: ["cluster"] };
  const web = [{ port: 80 }, { port: 443 }];
  const range = { port: 8080, endPort: 8095 };
  const specs = [
    { ingress: [{ ...everyPod, toPorts: ports(...web) }] },
    { ingress: [{ ...everyPod, toPorts: ports(range) }] },
    {
      endpointSelector: pods({ tier: `tier-${number % 5}` }),
      ingressDeny: [{ fromEndpoints: [near], toPorts: ports({ port: 22 }) }],
    },
    {
      egress: [
        { toCIDRSet: [{ cidr: "192.168.0.0/16", except: ["192.168.40.0/24"] }] },
        { toEntities: ["cluster"], toPorts: ports(...web, range, { port: 5432 }) },
      ],
    },
    { ingress: [{ fromEndpoints: [{}] }, { toPorts: ports({ port: 9100, endPort: 9103 }) }] },
    {
      ingress: [{
        fromEndpoints: [anywhere],
        toPorts: [{ ...ports({ port: 3000 })[0], rules: { http: [{ method: "GET" }] } }],
      }, { fromEndpoints: [anywhere], toPorts: ports({ port: 5432 }) }],
    },
  ];
  return {
    apiVersion: "cilium.io/v2",
    kind: "CiliumNetworkPolicy",
    metadata: { namespace, name: `policy-${number}` },
    spec: { ...own, ...specs[number % specs.length] },
  };
}

/** The cluster as one JSON document, as `kubectl get -o json` prints it. */
export function traceManifests({ pods, policies }: TraceShape): string {
  const apps = Math.ceil(pods / PODS_OF_APP);
  const items = [
    ...Array.from({ length: NAMESPACES }, (_, i) => ({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: `team-${i}` },
    })),
    ...Array.from({ length: pods }, (_, i) => podOf(i)),
    ...Array.from({ length: policies }, (_, i) => policyOf(i, apps)),
  ];
  return JSON.stringify({ apiVersion: "v1", kind: "List", items });
}

/**
 * Questions as lines of JSON: pairs of pods, and of pods and what lies outside, at all kinds of
 * ports. No two are equal, and neighbours have nothing in common.
 *
 * @throws {RangeError} If the cluster has not so many different flows.
 */
export function* traceQueries({ pods, queries }: TraceShape): Generator<string> {
  const ends = pods + OTHERS.length;
  const flows = pods * ends * PORTS.length;
  if (queries > flows) {
    throw new RangeError(
      `Cannot ask "${queries}" questions: ${pods} pods have ${flows} different flows, expected more pods`,
    );
  }
  const name = (end: number) =>
    end < pods ? `${namespaceOf(end)}/${podName(end)}` : OTHERS[end - pods] ?? "";
  for (let id = 0; id < queries; id++) {
    let flow = Number(BigInt(id) * STRIDE % BigInt(flows));
    const digit = (base: number) => {
      const digit = flow % base;
      flow = Math.floor(flow / base);
      return digit;
    };
    const from = name(digit(pods));
    const to = name(digit(ends));
    yield JSON.stringify({ id, from, to, ...PORTS[digit(PORTS.length)] });
  }
}

/** Writes both into a folder: `cluster.json` and `q.jsonl`. */
export async function writeTraceInput(folder: string, shape: TraceShape): Promise<void> {
  await Deno.writeTextFile(`${folder}/cluster.json`, traceManifests(shape));
  const lines = ReadableStream.from(linesOf(shape)).pipeThrough(new TextEncoderStream());
  await Deno.writeFile(`${folder}/q.jsonl`, lines);
}

/** Many lines at once: each piece is a write. */
function* linesOf(shape: TraceShape): Generator<string> {
  let text = "";
  for (const query of traceQueries(shape)) {
    text += `${query}\n`;
    if (text.length < PIECE) continue;
    yield text;
    text = "";
  }
  yield text;
}
