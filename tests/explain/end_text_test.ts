import { assertEquals, assertThrows } from "@std/assert";
import { type EndText, parseEnd } from "../../src/explain/end_text.ts";

const NAMED: readonly (readonly [text: string, end: EndText])[] = [
  ["shop/web", { kind: "pod", namespace: "shop", name: "web" }],
  ["web", { kind: "pod", namespace: "here", name: "web" }],
  ["shop/host", { kind: "pod", namespace: "shop", name: "host" }],
  ["host", { kind: "entity", entity: "host" }],
  ["reserved:world", { kind: "entity", entity: "world" }],
  ["app=web", { kind: "labels", namespace: "here", labels: new Map([["app", "web"]]) }],
  ["k8s:app=web, any:x/tier=", {
    kind: "labels",
    namespace: "here",
    labels: new Map([["app", "web"], ["x/tier", ""]]),
  }],
  ["app=web,io.kubernetes.pod.namespace=shop,io.cilium.k8s.policy.serviceaccount=robot", {
    kind: "labels",
    namespace: "shop",
    labels: new Map([["app", "web"]]),
    serviceAccount: "robot",
  }],
];

for (const [text, end] of NAMED) {
  Deno.test(`parseEnd() reads ${text}`, () => assertEquals(parseEnd(text, "here"), end));
}

Deno.test("parseEnd() reads addresses of both families", () => {
  for (const text of ["10.0.0.1", "fd00::1"]) {
    const end = parseEnd(text, "here");
    assertEquals(end.kind === "address" && end.address.text, text);
  }
});

const WRONG: readonly string[] = [
  "",
  "Web",
  "a/b/c",
  "shop/",
  "10.0.0.0/8",
  "=web",
  "app=web,app=api",
  "app=web,tier",
  "app=a b",
  "app!=web",
  "all",
  "cluster",
  "none",
  "io.cilium.k8s.policy.cluster=other",
  "io.cilium.k8s.namespace.labels.team=a",
  "io.kubernetes.pod.namespace=A",
  "a".repeat(5000),
];

for (const text of WRONG) {
  Deno.test(`parseEnd() refuses ${JSON.stringify(text.slice(0, 50))}`, () => {
    const { message } = assertThrows(() => parseEnd(text, "here"), SyntaxError);
    assertEquals(message.startsWith("Cannot use "), true, message);
    assertEquals(message.includes("\n") || message.length > 400, false, message);
  });
}
