import { assertEquals } from "@std/assert";
import type { Emulator } from "../../src/datapath/emulator.ts";
import { KernelDatapath } from "../../src/datapath/kernel.ts";
import {
  DROP_POLICY,
  EVENT_DROP,
  EVENT_POLICY_VERDICT,
  EVENT_REASON_OFF,
  EVENT_SIZE,
  EVENT_TRACE,
  EVENT_TYPE_OFF,
  METRICS_VALUE_SIZE,
  REASON_FORWARDED,
} from "../../src/datapath/layout.ts";
import type { PacketBuilder } from "../../src/datapath/packet_builder.ts";
import { kernelTest } from "../ebpf-ts-loader/kernel.ts";
import { batch, emulator, memory, SECOND } from "./_emulator.ts";
import { CLIENT, ip4, NODE } from "./_node.ts";

type Twin = Emulator | KernelDatapath;

const BEYOND = 77;
const NODE_WITH_INTERVAL = { ...NODE, eventInterval: 5 };
const QUESTION = ip4(CLIENT, BEYOND).udp({ source: 4000, destination: 53 });
const ANSWER = ip4(BEYOND, CLIENT).udp({ source: 53, destination: 4000 });
const REFUSED = ip4(BEYOND, CLIENT).udp({ source: 4000, destination: 99 });

/** Runs a packet at each of the seconds; returns type and reason of the events. */
function events(datapath: Twin, packet: PacketBuilder, seconds: readonly number[]): number[][] {
  const hook = packet === QUESTION ? "from_container" : "to_container";
  batch.clear();
  for (const second of seconds) {
    const now = BigInt(second) * SECOND;
    batch.add({ endpoint: CLIENT, hook, data: packet.build(), now });
  }
  datapath.run(batch, batch);
  const { bytes } = datapath.drainEvents();
  return Array.from({ length: bytes.length / EVENT_SIZE }, (_, i) => [
    bytes[i * EVENT_SIZE + EVENT_TYPE_OFF] ?? 0,
    bytes[i * EVENT_SIZE + EVENT_REASON_OFF] ?? 0,
  ]);
}

const TOLD = [EVENT_POLICY_VERDICT, REASON_FORWARDED];
const ANSWERED = [EVENT_TRACE, REASON_FORWARDED];
const DROPPED = [EVENT_DROP, DROP_POLICY];

function checkAggregation(datapath: Twin): void {
  assertEquals(events(datapath, QUESTION, [100, 100, 101, 104]), [TOLD]);
  assertEquals(events(datapath, QUESTION, [105, 105, 109, 110]), [TOLD, TOLD]);
  assertEquals(events(datapath, ANSWER, [110, 111, 114, 115]), [ANSWERED, ANSWERED]);
  assertEquals(events(datapath, REFUSED, [120, 120, 124, 125, 126]), [DROPPED, DROPPED]);
  // What is not told is counted.
  const metrics = new DataView(datapath.metrics().buffer);
  assertEquals(metrics.getBigUint64((DROP_POLICY << 1) * METRICS_VALUE_SIZE, true), 5n);
}

function checkNoAggregation(datapath: Twin): void {
  assertEquals(events(datapath, QUESTION, [100, 100, 150]), [TOLD]);
  assertEquals(events(datapath, ANSWER, [151, 160]), []);
  assertEquals(events(datapath, REFUSED, [160, 160]), [DROPPED, DROPPED]);
}

function checkForgetting(datapath: Twin): void {
  assertEquals(events(datapath, REFUSED, [100, 101]), [DROPPED]);
  datapath.clearConntrack();
  assertEquals(events(datapath, REFUSED, [101, 102]), [DROPPED]);
}

Deno.test("Emulator.clearConntrack() forgets what has been told", () => {
  emulator.load(NODE_WITH_INTERVAL);
  checkForgetting(emulator);
});

kernelTest("KernelDatapath.clearConntrack() forgets what has been told", async () => {
  using kernel = new KernelDatapath(memory);
  await kernel.load(NODE_WITH_INTERVAL);
  checkForgetting(kernel);
});

Deno.test("Emulator tells of a busy flow once in an interval", () => {
  emulator.load(NODE_WITH_INTERVAL);
  checkAggregation(emulator);
});

Deno.test("Emulator tells of a flow once without an interval", () => {
  emulator.load(NODE);
  checkNoAggregation(emulator);
});

kernelTest("KernelDatapath tells of a busy flow once in an interval", async () => {
  using kernel = new KernelDatapath(memory);
  await kernel.load(NODE_WITH_INTERVAL);
  checkAggregation(kernel);
});

kernelTest("KernelDatapath tells of a flow once without an interval", async () => {
  using kernel = new KernelDatapath(memory);
  await kernel.load(NODE);
  checkNoAggregation(kernel);
});
