import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  flowOfPacket,
  optionsOfView,
  parseReproducer,
  reproducerFiles,
} from "../../src/verify/reproducer.ts";
import { parseIpAddress } from "../../src/cluster/ip_address.ts";
import { readObjects } from "../../src/cluster/read_objects.ts";
import { DEATH_STAR } from "../../src/cluster/scenarios/death_star.ts";
import { makeScenario } from "../../src/verify/scenario.ts";
import { PacketMaker } from "../../src/verify/packet_maker.ts";
import { ClassSpace } from "../../src/verify/classes.ts";
import { mustMakeDeathStar } from "./_scenario.ts";

Deno.test("parseReproducer() reads what reproducerFiles() wrote", async () => {
  const scenario = await mustMakeDeathStar();
  const maker = new PacketMaker(scenario);
  const [first] = new ClassSpace({ node: scenario.node }).classes();
  const [corner] = first?.corners ?? [];
  if (corner === undefined) throw new Error("Cannot find a class");
  const flow = { ...corner, sport: 40000, tcpFlags: 2 };
  maker.add(flow, "first");
  const packets = maker.take();
  const mismatch = { packet: packets[0], differences: ["x"], answers: { spec: "y" }, packets };
  const files = reproducerFiles(scenario, mismatch, { seed: 7 });
  const json = files.find(({ name }) => name === "reproducer.json")?.content;
  const read = parseReproducer(String(json));
  assertEquals(read.seed, 7);
  assertEquals(read.packets.map((packet) => flowOfPacket(packet, scenario)), [flow]);
});

Deno.test("a reproducer keeps the view that its manifests were taken with", async () => {
  const options = {
    node: "n1",
    audit: true,
    settings: { enforcement: "always", allowLocalhost: false, cidrMatchesNodes: true },
    names: new Map([["example.com", [parseIpAddress("192.0.2.1"), parseIpAddress("2001:db8::1")]]]),
  } as const;
  const compiled = await makeScenario([DEATH_STAR], readObjects([DEATH_STAR]).objects, options);
  const mismatch = { packet: undefined, differences: [], answers: {}, packets: [] };
  const files = reproducerFiles(compiled.withoutProxies(), mismatch, { seed: 7 });
  const json = files.find(({ name }) => name === "reproducer.json")?.content;
  const { view } = parseReproducer(String(json));
  assertEquals(view.proxies, false);
  assertEquals(optionsOfView(view), options);
});

for (
  const [description, view] of [
    ["a mode that is none", { settings: { enforcement: "maybe" } }],
    ["a setting that is no boolean", { settings: { allowLocalhost: 1 } }],
    ["an address that is none", { names: { "example.com": ["192.0.2"] } }],
    ["a node that is no text", { node: 1 }],
    ["a view that is no object", []],
  ] as const
) {
  Deno.test(`parseReproducer() refuses ${description}`, () => {
    const text = JSON.stringify({ version: 1, seed: 1, view, rows: [], packets: [] });
    assertThrows(() => parseReproducer(text), SyntaxError, "Cannot read");
  });
}

Deno.test("parseReproducer() refuses anything else with a SyntaxError", () => {
  fc.assert(fc.property(fc.json(), (text) => {
    assertThrows(() => parseReproducer(text), SyntaxError);
  }));
});

const PACKET = {
  endpoint: "default/xwing",
  phase: "first",
  ttl: 64,
  flow: {
    hook: "from_container",
    source: "10.1.0.12",
    destination: "10.1.0.10",
    protocol: 6,
    sport: 1,
    dport: 80,
    code: 0,
    tcpFlags: 2,
    mark: 0,
  },
};

const WRONG: readonly [description: string, packet: unknown, says: string][] = [
  ["a hook that is none", { ...PACKET, flow: { ...PACKET.flow, hook: "x" } }, "flow.hook"],
  ["a port that is no number", { ...PACKET, flow: { ...PACKET.flow, dport: "80" } }, "flow.dport"],
  ["a negative number", { ...PACKET, ttl: -1 }, "ttl"],
  ["a phase that is none", { ...PACKET, phase: "last" }, "phase"],
  ["no flow", { ...PACKET, flow: undefined }, "flow"],
];

for (const [description, packet, says] of WRONG) {
  Deno.test(`parseReproducer() refuses a packet with ${description}`, () => {
    const text = JSON.stringify({ version: 1, seed: 1, rows: [], packets: [packet] });
    assertThrows(() => parseReproducer(text), SyntaxError, says);
  });
}

Deno.test("flowOfPacket() refuses addresses and pods that are none of the scenario", async () => {
  const scenario = await mustMakeDeathStar();
  const read = (packet: unknown) => {
    const text = JSON.stringify({ version: 1, seed: 1, rows: [], packets: [packet] });
    const [parsed] = parseReproducer(text).packets;
    if (parsed === undefined) throw new Error("Cannot read the packet");
    return flowOfPacket(parsed, scenario);
  };
  assertThrows(() => read({ ...PACKET, endpoint: "default/falcon" }), SyntaxError, "falcon");
  const flow = { ...PACKET.flow, source: "010.1.0.1" };
  assertThrows(() => read({ ...PACKET, flow }), SyntaxError, "010.1.0.1");
  const mixed = { ...PACKET.flow, destination: "fd00::1" };
  assertThrows(() => read({ ...PACKET, flow: mixed }), SyntaxError, "one family");
});
