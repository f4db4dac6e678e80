import { assertEquals } from "@std/assert";
import type { Pod } from "../../src/cluster/object.ts";
import { mustRead } from "./_manifest.ts";

const TEMPLATE = `template:
        metadata: { labels: { app: web }, creationTimestamp: null }
        spec:
          serviceAccountName: robot
          hostNetwork: false
          containers: [{ name: web, ports: [{ name: http, containerPort: 8080 }] }]`;

function workload(kind: string, more = "", group = "apps"): string {
  return `apiVersion: ${group}/v1
kind: ${kind}
metadata: { name: ${kind.toLowerCase()}, namespace: blue }
spec:
  ${more}
      ${TEMPLATE}`;
}

const SELECTOR = "selector: { matchLabels: { app: web } }";
const indent = (text: string) => text.replace("      template:", "  template:");

function pods(text: string): Pod[] {
  return mustRead(text).filter((object) => object.kind === "Pod");
}

Deno.test("a Deployment without pods stands for one pod", () => {
  assertEquals(pods(indent(workload("Deployment", SELECTOR))), [{
    kind: "Pod",
    namespace: "blue",
    name: "deployment",
    labels: new Map([["app", "web"]]),
    serviceAccount: "robot",
    hostNetwork: false,
    terminated: false,
    addresses: [],
    containerPorts: [{ name: "http", port: 8080, protocol: "TCP" }],
    standsFor: { kind: "Deployment", namespace: "blue", name: "deployment" },
    location: { file: "p.yaml", line: 1, column: 1 },
  }]);
});

for (const kind of ["StatefulSet", "DaemonSet", "ReplicaSet"]) {
  Deno.test(`a ${kind} without pods stands for one pod`, () => {
    assertEquals(pods(indent(workload(kind, SELECTOR))).map(({ standsFor }) => standsFor?.kind), [
      kind,
    ]);
  });
}

Deno.test("jobs stand for one pod, without a selector too", () => {
  const job = indent(workload("Job", "backoffLimit: 1", "batch"));
  const cron = workload("CronJob", "schedule: '* * * * *'\n  jobTemplate:\n    spec:", "batch");
  assertEquals(pods(`${job}\n---\n${cron}`).map(({ name }) => name), ["job", "cronjob"]);
});

Deno.test("a workload that has pods stands for none", () => {
  const pod = (name: string, labels: string) =>
    `apiVersion: v1\nkind: Pod\nmetadata: { name: ${name}, namespace: blue, labels: ${labels} }`;
  const deployment = indent(workload("Deployment", SELECTOR));
  const names = (text: string) => pods(text).map(({ name }) => name);
  assertEquals(names(`${deployment}\n---\n${pod("web-1", "{ app: web }")}`), ["web-1"]);
  assertEquals(names(`${deployment}\n---\n${pod("db-1", "{ app: db }")}`), ["db-1", "deployment"]);
  // A pod that is no pod of it may have its name.
  const taken = `${deployment}\n---\n${pod("deployment", "{ app: db }")}`;
  assertEquals(names(taken), ["deployment", "deployment-deployment"]);
});

Deno.test("a workload that another one owns stands for none", () => {
  const deployment = indent(workload("Deployment", SELECTOR));
  const owner = "{ apiVersion: apps/v1, kind: Deployment, name: deployment }";
  const replicas = indent(workload("ReplicaSet", SELECTOR))
    .replace("namespace: blue", `namespace: blue, ownerReferences: [${owner}]`);
  assertEquals(pods(`${replicas}\n---\n${deployment}`).map(({ name }) => name), ["deployment"]);
  assertEquals(pods(replicas).map(({ name }) => name), ["replicaset"]);
});
