import { SHOP } from "./_clusters.ts";
import { type CommandRow, commandTests } from "./_command.ts";

const FILES = { "shop.yaml": SHOP };

const ROWS: readonly CommandRow[] = [
  {
    description: "one port, as a table",
    args: ["-f", "DIR/shop.yaml", "--port", "5432/TCP"],
    files: FILES,
    stdout: [
      "5432/TCP, from the rows to the columns",
      "                1    2    3    4",
      "1  ops/monitor  yes  yes  -    yes",
      "2  shop/api     yes  yes  yes  yes",
      "3  shop/db      yes  yes  yes  yes",
      "4  shop/web     -    -    -    yes",
    ],
    code: 0,
  },
  {
    description: "every port, as a table",
    args: ["-f", "DIR/shop.yaml", "--datapath", "spec"],
    files: FILES,
    stdout: [
      "Open ports, from the rows to the columns",
      "                1    2         3              4",
      "1  ops/monitor  all  all       9100-9103/TCP  all",
      "2  shop/api     all  all       5432/TCP       all",
      "3  shop/db      all  all       all            all",
      "4  shop/web     -    8080/TCP  -              all",
    ],
    code: 0,
  },
  {
    description: "a workload stands for its pods, on one row",
    args: ["-f", "DIR/web.yaml", "--port", "80", "-o", "jsonl"],
    files: {
      "web.yaml": `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 3
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: web }] }
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: closed }
spec: { endpointSelector: {}, ingress: [{}] }
`,
    },
    stdout: [`{"from":"default/web","to":"default/web","port":"80/TCP","verdict":"denied"}`],
    code: 0,
  },
  {
    description: "no pods at all",
    args: ["-f", "DIR/empty.yaml", "-o", "json"],
    files: { "empty.yaml": "" },
    stdout: ["{", `  "matrix": {}`, "}"],
    code: 0,
  },
  {
    description: "a file that is not there",
    args: ["-f", "DIR/none.yaml", "--port", "80", "-o", "jsonl"],
    stderr: [
      `Cannot read "DIR/none.yaml": No such file or directory (os error 2): stat 'DIR/none.yaml', expected a manifest`,
    ],
    code: 2,
  },
  {
    description: "a port that is none",
    args: ["--port", "80/GRE"],
    stderr: [
      `Cannot use "80/GRE" as a port: not a port, expected for example 80/TCP, 53/UDP or 8/ICMP`,
    ],
    code: 2,
  },
];

commandTests("matrix", ROWS);
