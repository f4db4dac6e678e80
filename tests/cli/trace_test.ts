import { assertEquals, assertMatch } from "@std/assert";
import { SHOP } from "./_clusters.ts";
import { kernelTest } from "../ebpf-ts-loader/kernel.ts";
import { type CommandRow, commandTests, type Finished, runCommand } from "./_command.ts";

const FILES = { "shop.yaml": SHOP };
const CLUSTER = ["-f", "DIR/shop.yaml", "-n", "shop"];

const API_RULE =
  `{"kind":"CiliumNetworkPolicy","namespace":"shop","name":"db","direction":"ingress","index":0}`;
const MONITOR_RULE = API_RULE.replace(`"index":0`, `"index":1`);
const WEB_RULE =
  `{"kind":"CiliumNetworkPolicy","namespace":"shop","name":"web","direction":"egress","index":0}`;
const OPEN = `{"verdict":"allowed","reason":"no policy","rules":[]}`;
const CLOSED = `{"verdict":"denied","reason":"policy","rules":[]}`;
const SAME = `{"verdict":"allowed","reason":"same pod","rules":[]}`;
const OUTSIDE = `{"verdict":"allowed","reason":"not an endpoint","rules":[]}`;
const byRule = (rule: string) => `{"verdict":"allowed","reason":"rule","rules":[${rule}]}`;

const L7 = `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: api, namespace: shop }
spec:
  endpointSelector: { matchLabels: { app: api } }
  ingress:
    - fromEndpoints: [{ matchLabels: { app: web } }]
      toPorts:
        - ports: [{ port: "8080", protocol: TCP }]
          rules: { http: [{ method: GET, path: /v1/.*, host: shop\\.example }] }
`;
const L7_RULE =
  `{"kind":"CiliumNetworkPolicy","namespace":"shop","name":"api","direction":"ingress","index":0}`;
const l7 = (verdict: string, reason: string) =>
  `{"verdict":"${verdict}","reason":"${reason}","rules":[${L7_RULE}]}`;
const BY_WEB = byRule(WEB_RULE);

const DNS = `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: dns, namespace: shop }
spec:
  endpointSelector: { matchLabels: { app: db } }
  egress:
    - toEntities: [all]
      toPorts:
        - ports: [{ port: "53", protocol: ANY }]
          rules: { dns: [{ matchPattern: "*.shop.example" }] }
`;
const DNS_RULE =
  `{"kind":"CiliumNetworkPolicy","namespace":"shop","name":"dns","direction":"egress","index":0}`;

const SNI = `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: sni, namespace: shop }
spec:
  endpointSelector: { matchLabels: { app: db } }
  egress:
    - toEntities: [all]
      toPorts:
        - ports: [{ port: "443", protocol: TCP }]
          serverNames: ["*.shop.example"]
`;
const SNI_RULE =
  `{"kind":"CiliumNetworkPolicy","namespace":"shop","name":"sni","direction":"egress","index":0}`;
const byServerName = (verdict: string, reason: string) =>
  `{"verdict":"${verdict}","reason":"${reason}","rules":[${SNI_RULE}]}`;

/** Line, id of the answer, and what is wrong with the query. */
const WRONG: readonly (readonly [query: string, id: string, error: string])[] = [
  [
    `{"id":"a","from":"api","to":"dbb","port":5432}`,
    `"a"`,
    `Cannot find pod "shop/dbb": not in the manifests, expected one that is (did you mean "shop/db"?)`,
  ],
  [
    `{"id":"b","from":"api","to":"db","prot":"TCP","port":5432}`,
    `2`,
    `unknown field "prot", expected one of id, from, to, protocol, port, http, headers, dns, sni, expect`,
  ],
  [
    `{"id":"c","from":"api","to":"db","port":70000}`,
    `3`,
    `Cannot use "70000" as a port: out of range, expected 1 to 65535`,
  ],
  [
    `{"id":"d","from":"all","to":"db","port":1}`,
    `"d"`,
    `Cannot use "all" as an end of a flow: stands for many, expected one of host, remote-node, ` +
    `kube-apiserver, health, init, ingress, unmanaged, world, world-ipv4, world-ipv6`,
  ],
  [
    `{"id":"e","from":"api","to":"db","port":1,"http":"GET"}`,
    `5`,
    `wrong http, expected for example "GET /v1"`,
  ],
  [`nonsense`, `6`, `not JSON, expected {"from": …, "to": …, "port": …}`],
  [
    `{"id":"g","from":"app=a=b","to":"db","port":1}`,
    `"g"`,
    `Cannot use "app=a=b" as an end of a flow: "a=b" is not a label's value, expected ` +
    `namespace/pod, an address, key=value labels or an entity`,
  ],
];

const ROWS: readonly CommandRow[] = [
  {
    description: "an allowed flow and the rule behind it",
    args: [...CLUSTER, "--from", "api", "--to", "shop/db", "--port", "5432/TCP"],
    files: FILES,
    stdout: [
      "shop/api → shop/db 5432/TCP: allowed",
      "SIDE     VERDICT  WHY",
      "egress   allowed  no policy restricts egress of shop/api",
      "ingress  allowed  shop/db ingress[0]",
    ],
    code: 0,
  },
  {
    description: "labels of a pod that does not exist, in another namespace",
    args: [
      ...CLUSTER,
      ...["--from", "app=monitor,k8s:io.kubernetes.pod.namespace=ops"],
      ...["--to", "fd00::3", "--port", "9102", "-o", "json"],
    ],
    files: FILES,
    stdout: [
      `{"from":"app=monitor,k8s:io.kubernetes.pod.namespace=ops","to":"shop/db",` +
      `"port":"9102/TCP","verdict":"allowed","egress":${OPEN},"ingress":${byRule(MONITOR_RULE)}}`,
    ],
    code: 0,
  },
  {
    description: "an unmet expectation exits with 1",
    args: [...CLUSTER, "--from", "web", "--to", "10.0.0.2", "--port", "80", "--expect", "allowed"],
    files: FILES,
    stdout: [
      "shop/web → shop/api 80/TCP: denied",
      "SIDE     VERDICT  WHY",
      "egress   denied   no rule allows it",
      "ingress  allowed  no policy restricts ingress of shop/api",
      "Nearest to allowing it at egress: shop/web egress[0], but",
      "  it is for 8080/TCP, not 80/TCP",
    ],
    stderr: ["The flow is denied, expected allowed"],
    code: 1,
  },
  {
    description: "the world, and ICMP by its type",
    args: [...CLUSTER, "--from", "world", "--to", "db", "--port", "8/ICMP", "-o", "json"],
    files: FILES,
    stdout: [
      `{"from":"world","to":"shop/db","port":"8/ICMP","verdict":"denied",` +
      `"egress":${OUTSIDE},"ingress":${CLOSED},"nearest":{"ingress":{"rule":${API_RULE},` +
      `"missing":["peer","port"],"texts":["it is for pods with app=api, namespace=shop, the peer ` +
      `is world-ipv4","it is for 5432/TCP, not 8/ICMP"]}}}`,
    ],
    code: 0,
  },
  {
    description: "queries are answered in their order, from standard input",
    args: [...CLUSTER, "--queries", "-"],
    files: FILES,
    stdin: [
      `{"id":"b","from":"web","to":"api","protocol":"TCP","port":8080,"expect":"allowed"}`,
      ``,
      `{"id":7,"from":"shop/web","to":"shop/web","port":1}`,
      `{"from":"api","to":"db","protocol":"tcp","port":"5432"}`,
    ].join("\n"),
    stdout: [
      `{"id":"b","verdict":"allowed","egress":${byRule(WEB_RULE)},"ingress":${OPEN}}`,
      `{"id":7,"verdict":"allowed","egress":${SAME},"ingress":${SAME}}`,
      `{"id":4,"verdict":"allowed","egress":${OPEN},"ingress":${byRule(API_RULE)}}`,
    ],
    code: 0,
  },
  {
    description: "queries that are wrong are named, and the others answered",
    args: [...CLUSTER, "--queries", "DIR/q.jsonl", "--datapath", "spec"],
    files: {
      ...FILES,
      "q.jsonl": [
        ...WRONG.map(([query]) => query),
        `{"id":"f","from":"api","to":"db","port":5432,"expect":"denied"}`,
      ].join("\n"),
    },
    stdout: [
      ...WRONG.map(([, id, error]) => `{"id":${id},"error":${JSON.stringify(error)}}`),
      `{"id":"f","verdict":"allowed","egress":${OPEN},"ingress":${byRule(API_RULE)}}`,
    ],
    stderr: WRONG.map(([, , error], i) => `Cannot answer line ${i + 1} of "DIR/q.jsonl": ${error}`),
    code: 2,
  },
  {
    description: "an unmet expectation of a query, as JUnit",
    args: [...CLUSTER, "--queries", "DIR/q.jsonl", "-o", "junit"],
    files: {
      ...FILES,
      "q.jsonl": [
        `{"id":"<a>","from":"api","to":"db","port":5432,"expect":"allowed"}`,
        `{"id":"b","from":"web","to":"api","port":8080,"expect":"denied"}`,
      ].join("\n"),
    },
    stdout: [
      `<?xml version="1.0" encoding="UTF-8"?>`,
      `<testsuites tests="2" failures="1" errors="0">`,
      `  <testsuite name="twinpath trace" tests="2" failures="1" errors="0">`,
      `    <testcase classname="twinpath trace" name="&lt;a&gt;: api → db 5432/TCP"/>`,
      `    <testcase classname="twinpath trace" name="b: web → api 8080/TCP"><failure ` +
      `message="allowed, expected denied (egress shop/web egress[0], ingress no policy)"/></testcase>`,
      `  </testsuite>`,
      `</testsuites>`,
    ],
    code: 1,
  },
  {
    description: "a wrong policy is one line, the others answer, exit code 2",
    args: [...CLUSTER, "-f", "DIR/bad.yaml", "--queries", "DIR/q.jsonl"],
    files: {
      ...FILES,
      "bad.yaml": "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n" +
        "metadata: { name: bad }\nspec:\n  endpointSelector: {}\n  ingress: 7\n",
      "q.jsonl": `{"id":"a","from":"api","to":"db","port":5432}`,
    },
    stdout: [`{"id":"a","verdict":"allowed","egress":${OPEN},"ingress":${byRule(API_RULE)}}`],
    stderr: [
      `Cannot read CiliumNetworkPolicy "shop/bad": spec.ingress is 7, expected a list (DIR/bad.yaml:6:12)`,
    ],
    code: 2,
  },
  {
    description: "an HTTP request that the proxy lets through, and one that it does not",
    args: [...CLUSTER, "-f", "DIR/l7.yaml", "--queries", "-"],
    files: { ...FILES, "l7.yaml": L7 },
    stdin: [
      `{"id":1,"from":"web","to":"api","port":8080}`,
      `{"id":2,"from":"web","to":"api","port":8080,"http":"GET /v1/x","headers":{"host":"shop.example"}}`,
      `{"id":3,"from":"web","to":"api","port":8080,"http":"POST /v1/x","headers":{"Host":"shop.example"}}`,
      `{"id":4,"from":"web","to":"api","port":8080,"http":"GET /v1/x"}`,
    ].join("\n"),
    stdout: [
      `{"id":1,"verdict":"redirected","egress":${BY_WEB},"ingress":${l7("redirected", "rule")}}`,
      `{"id":2,"verdict":"allowed","egress":${BY_WEB},"ingress":${l7("allowed", "rule")}}`,
      `{"id":3,"verdict":"denied","egress":${BY_WEB},"ingress":${l7("denied", "request")}}`,
      `{"id":4,"verdict":"denied","egress":${BY_WEB},"ingress":${l7("denied", "request")}}`,
    ],
    code: 0,
  },
  {
    description: "a DNS name that the proxy lets through, by options",
    args: [
      ...[...CLUSTER, "-f", "DIR/dns.yaml", "--from", "db", "--to", "ops/monitor"],
      ...["--port", "53/UDP", "--dns", "www.shop.example", "-o", "json"],
    ],
    files: { ...FILES, "dns.yaml": DNS },
    stdout: [
      `{"from":"shop/db","to":"ops/monitor","port":"53/UDP","verdict":"allowed","egress":${
        byRule(DNS_RULE)
      },"ingress":${OPEN}}`,
    ],
    code: 0,
  },
  {
    description: "server names that the proxy lets through, and a client that sends none",
    args: [...CLUSTER, "-f", "DIR/sni.yaml", "--queries", "-"],
    files: { ...FILES, "sni.yaml": SNI },
    stdin: ["", "www.shop.example", "shop.example"].map((sni) =>
      JSON.stringify({ from: "db", to: "ops/monitor", port: 443, sni })
    ).concat(`{"from":"db","to":"ops/monitor","port":443}`).join("\n"),
    stdout: [
      `{"id":1,"verdict":"denied","egress":${byServerName("denied", "request")},"ingress":${OPEN}}`,
      `{"id":2,"verdict":"allowed","egress":${byServerName("allowed", "rule")},"ingress":${OPEN}}`,
      `{"id":3,"verdict":"denied","egress":${byServerName("denied", "request")},"ingress":${OPEN}}`,
      `{"id":4,"verdict":"redirected","egress":${
        byServerName("redirected", "rule")
      },"ingress":${OPEN}}`,
    ],
    code: 0,
  },
  {
    description: "a redirect, what the proxy denies, and why",
    args: [
      ...[...CLUSTER, "-f", "DIR/l7.yaml", "--from", "web", "--to", "api", "--port", "8080"],
      ...["--http", "GET /v1/x", "--header", "Host: other.example", "--expect", "denied"],
    ],
    files: { ...FILES, "l7.yaml": L7 },
    stdout: [
      "shop/web → shop/api 8080/TCP: denied",
      "SIDE     VERDICT  WHY",
      "egress   allowed  shop/web egress[0]",
      "ingress  denied   the proxy denies the request: shop/api ingress[0]",
    ],
    code: 0,
  },
  {
    description: "two pods with one address are told, and the flow is answered",
    args: [
      ...[...CLUSTER, "-f", "DIR/twin.yaml", "--from", "api", "--to", "db", "--port", "5432"],
      ...["-o", "json"],
    ],
    files: {
      ...FILES,
      "twin.yaml": "apiVersion: v1\nkind: Pod\nmetadata: { name: twin, namespace: shop }\n" +
        "status: { podIPs: [{ ip: 10.0.0.1 }] }\n",
    },
    stdout: [
      `{"from":"shop/api","to":"shop/db","port":"5432/TCP","verdict":"allowed",` +
      `"egress":${OPEN},"ingress":${byRule(API_RULE)}}`,
    ],
    stderr: [
      `warning: Cannot use address "10.0.0.1" for shop/twin: held by shop/web, ` +
      `expected one pod per address`,
    ],
    code: 0,
  },
  {
    description: "no flow and no queries",
    args: ["--from", "a"],
    stderr: ["Cannot trace: no flow, expected either --from, --to and --port, or --queries"],
    code: 2,
  },
  {
    description: "standard input asked for twice",
    args: ["-f", "-", "--queries", "-"],
    stderr: [`Cannot read "-": asked for twice, expected one of -f and --queries`],
    code: 2,
  },
  {
    description: "a port that is none",
    args: ["--from", "default/xwing", "--to", "default/deathstar", "--port", "http"],
    stderr: [
      `Cannot use "http" as a port: not a port, expected for example 80/TCP, 53/UDP or 8/ICMP`,
    ],
    code: 2,
  },
];

commandTests("trace", ROWS);

async function answersOf(datapath: string): Promise<Finished> {
  const lines: string[] = [];
  const ends = ["web", "api", "db", "ops/monitor", "app=db", "10.0.0.4", "8.8.8.8", "host"];
  for (const from of ends) {
    for (const to of ends) {
      for (const port of [80, 5432, 8080, 9099, 9100, 9103, 9104]) {
        lines.push(JSON.stringify({ from, to, protocol: "TCP", port }));
      }
    }
  }
  const folder = await Deno.makeTempDir();
  await using _removal = { [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
  await Deno.writeTextFile(`${folder}/shop.yaml`, SHOP);
  const args = ["trace", "-f", `${folder}/shop.yaml`, "-n", "shop", "--queries", "-"];
  const finished = await runCommand([...args, "--datapath", datapath], lines.join("\n"));
  assertEquals(finished.stdout.trimEnd().split("\n").length, lines.length);
  return finished;
}

Deno.test("twinpath trace: emulator and spec answer many queries alike", async () => {
  const emulator = await answersOf("emulator");
  assertEquals(emulator, await answersOf("spec"));
  assertMatch(emulator.stdout, /"denied"/);
});

kernelTest("twinpath trace: kernel and spec answer many queries alike", async () => {
  assertEquals(await answersOf("kernel"), await answersOf("spec"));
});
