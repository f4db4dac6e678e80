/**
 * The datapath's programs with a note in every basic block, run beside the unmodified ones: what
 * they look up is the same, what they write is their own.
 *
 * @module
 */
import {
  type BpfMap,
  type Collection,
  createMap,
  instrumentBlocks,
  type InstrumentedSpec,
  loadCollection,
} from "ebpf-ts-loader";
import { readBpfObject } from "../datapath/bpf_objects.ts";
import { collectMaps } from "../datapath/conntrack_collection.ts";
import type { DatapathMemory } from "../datapath/datapath_memory.ts";
import { EndpointTemplate, settingsOf } from "../datapath/endpoint_programs.ts";
import { HOOK_FROM_CONTAINER, HOOK_TO_CONTAINER } from "../datapath/layout.ts";
import type { PacketBatch } from "../datapath/packet_batch.ts";
import { HarnessLeg, TRAFFIC_MAPS } from "./harness_leg.ts";
import type { KernelLeg } from "./kernel_leg.ts";
import type { World } from "./world.ts";

/** Maps that programs write, and those through which programs reach each other. */
const OWN_MAPS: readonly string[] = [
  ...TRAFFIC_MAPS,
  "metrics",
  "events",
  "ambient_input",
  "endpoint_programs",
];

/** Runs the packets of a {@linkcode KernelLeg} through copies of its programs. */
export class BlockLeg implements Disposable {
  readonly #memory: DatapathMemory;
  readonly #kernel: KernelLeg;
  readonly #output: PacketBatch;
  readonly #instrumented: InstrumentedSpec;
  readonly #hits: BpfMap;
  #loaded: DisposableStack | undefined;
  #leg: HarnessLeg | undefined;
  #conntrack: readonly BpfMap[] = [];
  #isUsed = false;

  /** @param output Its pages become the harness's own while a world is loaded. */
  constructor(memory: DatapathMemory, kernel: KernelLeg, output: PacketBatch) {
    this.#memory = memory;
    this.#kernel = kernel;
    this.#output = output;
    this.#instrumented = instrumentBlocks(kernel.spec);
    const { spec, map } = this.#instrumented;
    const hits = spec.maps.get(map);
    if (hits === undefined) throw new TypeError(`Cannot find map "${map}": absent, expected one`);
    this.#hits = createMap(hits);
  }

  /** One byte for each block, in the order of `instrumentBlocks()`: 1 if it has ever run. */
  get hits(): Uint8Array<ArrayBuffer> {
    return this.#hits.lookup(0) ?? new Uint8Array(0);
  }

  /**
   * Loads copies of the programs of the world that the kernel has loaded.
   *
   * @throws {VerifierError} If the kernel refuses one.
   */
  load({ node }: World): void {
    this.unload();
    using owned = new DisposableStack();
    const { datapath, spec: plain } = this.#kernel;
    const { spec, map: hits } = this.#instrumented;
    const shared = [...plain.maps.keys()]
      .filter((name) => !OWN_MAPS.includes(name) && !name.startsWith("."))
      .map((name) => [name, datapath.node.map(name)] as const);
    const maps = { ...Object.fromEntries(shared), [hits]: this.#hits };
    const template = owned.use(new EndpointTemplate(spec, settingsOf(node, true), { maps }));
    const map = (name: string) => required(template.maps, name);
    const harness = owned.use(loadCollection(readBpfObject("harness"), {
      maps: {
        ambient_input: map("ambient_input"),
        packets_in: datapath.harness.map("packets_in"),
      },
    }));
    for (const endpoint of node.endpoints) {
      const programs = owned.use(template.load(endpoint));
      install(endpoint.id, programs, { harness, tailCalls: map("endpoint_programs") });
    }
    this.#leg = owned.use(
      new HarnessLeg({
        memory: this.#memory,
        staging: this.#kernel.staging,
        harness,
        map,
        input: undefined,
        output: this.#output,
      }),
    );
    this.#conntrack = [map("conntrack4"), map("conntrack6")];
    this.#loaded = owned.move();
  }

  /** Whether copies are loaded. */
  get isLoaded(): boolean {
    return this.#leg !== undefined;
  }

  /**
   * Runs `count` packets of the kernel leg's input from packet `first` on, in order, off this
   * thread.
   *
   * @param keepEvents Leave their events in the ring, so that it overflows.
   * @throws {SyscallError} If the kernel does not run them.
   */
  async run(first: number, count: number, keepEvents: boolean): Promise<void> {
    if (this.#leg === undefined) {
      throw new TypeError('Cannot run "block" leg: no world, expected load() before');
    }
    this.#isUsed = true;
    await this.#leg.run(first, count);
    if (!keepEvents) this.#leg.consume(this.#leg.produced);
  }

  /** Forgets all traffic. */
  forget(): void {
    if (this.#isUsed) this.#leg?.forget();
    this.#isUsed = false;
  }

  /** Takes away flows that are over, as the kernel's own collection does. */
  collect(now: number): void {
    collectMaps(this.#conntrack, now);
  }

  /** Closes the copies; what has been noted stays. */
  unload(): void {
    this.#leg = undefined;
    this.#conntrack = [];
    this.#isUsed = false;
    this.#loaded?.dispose();
    this.#loaded = undefined;
  }

  /** Closes maps and programs. */
  [Symbol.dispose](): void {
    this.unload();
    this.#hits[Symbol.dispose]();
  }
}

function required(maps: ReadonlyMap<string, BpfMap>, name: string): BpfMap {
  const map = maps.get(name);
  if (map !== undefined) return map;
  throw new TypeError(`Cannot find map "${name}": absent, expected one of the object`);
}

function install(
  id: number,
  programs: Collection,
  { harness, tailCalls }: { readonly harness: Collection; readonly tailCalls: BpfMap },
): void {
  const entered = harness.map("harness_programs");
  entered.updateSlot(id * 2 + HOOK_FROM_CONTAINER, programs.program("from_container"));
  entered.updateSlot(id * 2 + HOOK_TO_CONTAINER, programs.program("to_container"));
  tailCalls.updateSlot(id, programs.program("policy_ingress"));
}
