import { assertEquals } from "@std/assert";
import { SHOP } from "./_clusters.ts";
import { type CommandRow, commandTests, runCommand } from "./_command.ts";

const FILES = { "shop.yaml": SHOP };

const ROWS: readonly CommandRow[] = [
  {
    description: "a pod's entries, the rules behind them, and the limits",
    args: ["-f", "DIR/shop.yaml", "--pod", "shop/db"],
    files: FILES,
    stdout: [
      "shop/db: policy 3, identity 258 (shop: app=db)",
      "Ingress is closed but for these entries, egress is open",
      "DIRECTION  PEER              PORT           VERDICT  MATCH  RULES",
      "ingress    host              any            allow    L3     allow-localhost ingress[0]",
      "ingress    shop: app=api     5432/TCP       allow    L3/L4  shop/db ingress[0]",
      "ingress    ops: app=monitor  9100-9103/TCP  allow    L3/L4  shop/db ingress[1]",
      "egress     everyone          any            allow    all    no policy",
      "5 profiles, image of class S (64 KiB)",
      "WHAT            CLASS S             LIMIT",
      "entries         6 of 256     2.3 %  6 of 65536    0.0 %",
      "profile blocks  7 of 351     2.0 %  7 of 65535    0.0 %",
      "slots           260 of 4096  6.3 %  260 of 65536  0.4 %",
    ],
    code: 0,
  },
  {
    description: "a pod that does not exist, by its labels",
    args: ["-f", "DIR/shop.yaml", "-n", "shop", "--pod", "app=web,v=2", "-o", "jsonl"],
    files: FILES,
    stdout: [
      `{"direction":"ingress","identity":0,"peer":"everyone","port":"any","protocol":0,` +
      `"firstPort":0,"portPrefix":0,"verdict":"allow","match":"all","precedence":4294967041,` +
      `"authType":0,"rules":[]}`,
      `{"direction":"egress","identity":257,"peer":"shop: app=api","port":"8080/TCP","protocol":6,` +
      `"firstPort":8080,"portPrefix":16,"verdict":"allow","match":"L3/L4","precedence":4294967041,` +
      `"authType":0,"rules":[{"kind":"CiliumNetworkPolicy","namespace":"shop","name":"web",` +
      `"direction":"egress","index":0}]}`,
    ],
    code: 0,
  },
  {
    description: "the host has no policy map",
    args: ["--pod", "host"],
    stderr: [`Cannot show the policy map of "host": it has none, expected a pod`],
    code: 2,
  },
  {
    description: "every policy, and a node's limits",
    args: ["-f", "DIR/shop.yaml"],
    files: FILES,
    stdout: [
      "POD          ENTRIES  PROFILES  CLASS  PRESSURE       LIMIT",
      "shop/web     2        3         S      6.3 % (slots)  0.4 % (slots)",
      "shop/api     2        1         S      6.3 % (slots)  0.4 % (slots)",
      "shop/db      4        5         S      6.3 % (slots)  0.4 % (slots)",
      "ops/monitor  2        1         S      6.3 % (slots)  0.4 % (slots)",
      "A node that runs every pod:",
      "WHAT               LIMIT",
      "endpoints          4 of 4095     0.1 %",
      "policies           4 of 4095     0.1 %",
      "identities         14 of 131072  0.0 %",
      "slots              260 of 65536  0.4 %",
      "addresses          5 of 524288   0.0 %",
      "images of class S  4 of 4095     0.1 %",
      "images of class M  0 of 1023     0.0 %",
      "images of class L  0 of 255      0.0 %",
    ],
    code: 0,
  },
];

commandTests("policymap", ROWS);

Deno.test("twinpath policymap: a policy that does not fit is said, and exits with 1", async () => {
  // No two port ranges touch: each needs a place of its own in the one profile.
  const rules = Array.from({ length: 60 }, (_, i) => ({
    fromEndpoints: [{}],
    toPorts: [{
      ports: Array.from({ length: 40 }, (_, j) => ({ port: `${1 + 2 * (40 * i + j)}` })),
    }],
  }));
  const items = [
    { apiVersion: "v1", kind: "Pod", metadata: { name: "a" }, status: {} },
    {
      apiVersion: "cilium.io/v2",
      kind: "CiliumNetworkPolicy",
      metadata: { name: "many" },
      spec: { endpointSelector: {}, ingress: rules },
    },
  ];
  const input = JSON.stringify({ apiVersion: "v1", kind: "List", items });
  const { code, stdout, stderr } = await runCommand(["policymap", "-f", "-", "-o", "jsonl"], input);
  assertEquals([code, stderr], [1, ""]);
  const { overflow, entries } = JSON.parse(stdout);
  assertEquals(entries, 60 * 40 * 3 + 2);
  assertEquals(
    overflow.replace(/\d+/g, "N"),
    'Cannot build image "policy N": profile of identity N has too many ranges, ' +
      "expected at most N",
  );
});
