/**
 * Every twin answers every question alike, with the same rules, in random clusters with every
 * feature. Set TWINPATH_SEED to repeat a run, and TWINPATH_CASES for a longer one.
 */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { DatapathMemory } from "../../src/datapath/datapath_memory.ts";
import { Emulator } from "../../src/datapath/emulator.ts";
import { readEmulatorWasm } from "../../src/datapath/emulator_file.ts";
import type { Question } from "../../src/explain/answer.ts";
import { CompiledCluster } from "../../src/explain/compiled_cluster.ts";
import { EmulatorTwin } from "../../src/explain/emulator_twin.ts";
import { type End, EndFinder } from "../../src/explain/end_finder.ts";
import { PacketTwin } from "../../src/explain/packet_twin.ts";
import { formatPort } from "../../src/explain/port_text.ts";
import { SpecTwin } from "../../src/explain/spec_twin.ts";
import { REQUESTS_OF } from "../generate/answers.ts";
import { readManifests } from "../generate/read.ts";
import { API_SERVER, OUTSIDE, PORTS } from "../generate/universe.ts";
import { world } from "../generate/world.ts";

const SEED = Number(Deno.env.get("TWINPATH_SEED") ?? Date.now() % 0x7fffffff);
const CASES = Number(Deno.env.get("TWINPATH_CASES") ?? 40);

/** One question in so many is asked by packets. */
const SAMPLE = 17;

/** What can be asked about beside the pods of a cluster. */
const OTHERS = [
  ...OUTSIDE,
  API_SERVER,
  "app=a",
  "tier=b,app=b",
  "k8s:io.kubernetes.pod.namespace=blue,app=a",
  "health",
  "init",
  "world",
  "world-ipv6",
  "remote-node",
  "kube-apiserver",
];

const FLOWS = [
  ...PORTS.flatMap((port) => [{ protocol: 6, port }, { protocol: 17, port }]),
  { protocol: 132, port: 80 },
  { protocol: 1, port: 8 },
  { protocol: 58, port: 128 },
  { protocol: 58, port: 135 },
];

Deno.test("spec and emulator answer every question of random clusters alike, and name the same rules", async () => {
  const memory = new DatapathMemory(await readEmulatorWasm());
  const packetMemory = new DatapathMemory(await readEmulatorWasm());
  using datapath = new Emulator(packetMemory);
  let asked = 0;
  let denied = 0;
  console.log(`seed ${SEED}`);
  await fc.assert(
    fc.asyncProperty(world, async ({ manifests }) => {
      const objects = readManifests(manifests);
      const finder = new EndFinder(objects, { defaultNamespace: "red" });
      const nodes = objects.filter((object) => object.kind === "Node");
      const addresses = nodes.flatMap((node) => node.addresses.map(({ address }) => address.text));
      const ends = [...finder.pods, ...[...addresses, ...OTHERS].map((text) => finder.find(text))];
      using cluster = await CompiledCluster.compile(objects);
      await cluster.add(finder.takeSupposed());
      using emulator = new EmulatorTwin(cluster, memory);
      using packets = new PacketTwin(cluster, datapath, packetMemory);
      using spec = new SpecTwin(objects);
      const questions = [...questionsOf(ends)];
      const answers = await emulator.answer(questions);
      const expected = await spec.answer(questions);
      // Packets are slow to make: every so many questions must do.
      const some = questions.filter((_, i) => i % SAMPLE === 0);
      assertEquals(
        await packets.answer(some),
        expected.filter((_, i) => i % SAMPLE === 0),
      );
      for (const [i, question] of questions.entries()) {
        assertEquals(answers[i], expected[i], titleOf(question));
        if (expected[i]?.verdict === "denied") denied++;
      }
      asked += questions.length;
    }),
    { seed: SEED, numRuns: CASES },
  );
  console.log(`${CASES} clusters, ${asked} questions, ${denied} denied`);
});

function* questionsOf(ends: readonly End[]): Generator<Question> {
  for (const source of ends) {
    for (const destination of ends) {
      if (source.pod === undefined && destination.pod === undefined) continue;
      for (const flow of FLOWS) yield { source, destination, ...flow };
      for (const request of [...REQUESTS_OF.http, ...REQUESTS_OF.dns, ...REQUESTS_OF.tls]) {
        const protocol = request.kind === "dns" ? 17 : 6;
        yield { source, destination, protocol, port: 80, request };
        yield { source, destination, protocol, port: 53, request };
      }
    }
  }
}

function titleOf({ source, destination, request, ...port }: Question): string {
  const said = request === undefined ? "" : ` ${JSON.stringify(request)}`;
  return `${source.name} → ${destination.name} ${formatPort(port)}${said}`;
}
