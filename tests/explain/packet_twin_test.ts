import { assertEquals } from "@std/assert";
import { readObjects } from "../../src/cluster/read_objects.ts";
import { DatapathMemory } from "../../src/datapath/datapath_memory.ts";
import { readEmulatorWasm } from "../../src/datapath/emulator_file.ts";
import { Emulator } from "../../src/datapath/emulator.ts";
import { KernelDatapath } from "../../src/datapath/kernel.ts";
import type { Question } from "../../src/explain/answer.ts";
import { CompiledCluster } from "../../src/explain/compiled_cluster.ts";
import { EndFinder } from "../../src/explain/end_finder.ts";
import { PacketTwin } from "../../src/explain/packet_twin.ts";
import { SpecTwin } from "../../src/explain/spec_twin.ts";
import { kernelTest } from "../ebpf-ts-loader/kernel.ts";
import { SHOP } from "../cli/_clusters.ts";

const POLICIES = `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: api, namespace: shop }
spec:
  endpointSelector: { matchLabels: { app: api } }
  ingress:
    - fromEndpoints: [{ matchLabels: { app: web } }]
      toPorts:
        - ports: [{ port: "8080", protocol: TCP }]
          rules: { http: [{ method: GET, path: /v1/.* }] }
    - fromEndpoints: [{ matchLabels: { app: db } }]
      authentication: { mode: required }
    - fromCIDR: [192.0.2.0/24]
      icmps: [{ fields: [{ type: 8 }] }]
  ingressDeny:
    - fromEntities: [world-ipv6]
`;

const GET = { kind: "http", http: { method: "GET", path: "/v1/carts" } } as const;
const POST = { kind: "http", http: { method: "POST", path: "/v1/carts" } } as const;

const { objects, errors } = readObjects([
  { name: "shop.yaml", text: SHOP },
  { name: "policies.yaml", text: POLICIES },
]);

function* questions(finder: EndFinder): Generator<Question> {
  const names = ["shop/web", "shop/api", "shop/db", "192.0.2.7", "8.8.8.8", "world-ipv6", "host"];
  for (const from of names) {
    for (const to of [...names.slice(0, 3), "k8s:io.kubernetes.pod.namespace=shop,app=web"]) {
      const [source, destination] = [finder.find(from), finder.find(to)];
      for (const port of [80, 5432, 8080]) yield { source, destination, protocol: 6, port };
      yield { source, destination, protocol: 6, port: 8080, request: GET };
      yield { source, destination, protocol: 6, port: 8080, request: POST };
      yield { source, destination, protocol: 1, port: 8 };
      yield { source, destination, protocol: 17, port: 53 };
    }
  }
}

/** Asks a datapath and the naive reading the same. */
async function mustAgree(make: (memory: DatapathMemory) => Emulator | KernelDatapath) {
  assertEquals(errors, []);
  const finder = new EndFinder(objects);
  const asked = [...questions(finder)];
  using cluster = await CompiledCluster.compile(objects);
  await cluster.add(finder.takeSupposed());
  const memory = new DatapathMemory(await readEmulatorWasm());
  using datapath = make(memory);
  using packets = new PacketTwin(cluster, datapath, memory);
  using spec = new SpecTwin(objects);
  const answers = await packets.answer(asked);
  assertEquals(answers, await spec.answer(asked));
  const reasons = new Set(
    answers.flatMap(({ egress, ingress }) => [egress.reason, ingress.reason]),
  );
  assertEquals(
    [...reasons].sort(),
    [
      "auth required",
      "no policy",
      "not an endpoint",
      "policy",
      "policy deny",
      "request",
      "rule",
      "same pod",
    ],
  );
  assertEquals(answers.filter(({ verdict }) => verdict === "redirected").length > 0, true);
}

Deno.test("PacketTwin answers by the emulator's programs like the naive reading", () =>
  mustAgree((memory) => new Emulator(memory)));

kernelTest(
  "PacketTwin answers by the kernel's programs like the naive reading",
  () => mustAgree((memory) => new KernelDatapath(memory)),
);
