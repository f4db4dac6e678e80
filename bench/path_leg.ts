import {
  type BpfMap,
  type Collection,
  type CollectionSpec,
  loadCollection,
  parseObject,
  prepare,
  type Template,
} from "ebpf-ts-loader";
import {
  HOOK_FROM_CONTAINER,
  PACKET_NOT_RUN,
  PACKET_SLOT_MARK_OFF,
  PACKET_SLOT_SIZE,
  PACKET_SLOT_VERDICT_OFF,
} from "../src/datapath/layout.ts";
import type { Contender } from "./measure.ts";
import type { KernelTarget } from "./kernel_workload.ts";
import { PATH_SOURCE, PATH_SOURCE6 } from "./path_packets.ts";

/** Something for the context to hold before the first packet. */
const CARRIER = new Uint8Array(64);
/** Packets per system call: a run of a few milliseconds. */
const SLICE = 4096;
/** What no clock or event is asked of, so that both legs do the same work only. */
const SILENT = { config_events: 0, config_event_interval: 0, config_ambient: 0 };

/** The endpoint's addresses, as its constants hold them. */
const SOURCE_ADDRESSES = {
  config_ipv4: wordsOf(PATH_SOURCE)[0] ?? 0,
  ...Object.fromEntries(wordsOf(PATH_SOURCE6).map((word, i) => [`config_ipv6_${i}`, word])),
};

function wordsOf(address: Uint8Array): number[] {
  return [...new Uint32Array(address.slice().buffer)];
}

function readObject(name: string): CollectionSpec {
  const url = new URL(`../bpf/obj/${name}.bpf.o`, import.meta.url);
  return parseObject(Deno.readFileSync(url), `${name}.bpf.o`);
}

/** One program of an object, fed with packets by the harness of bpf/harness.bpf.c. */
export class PathLeg implements KernelTarget, Disposable {
  readonly spec: CollectionSpec;
  readonly #program: string;
  readonly #template: Template;
  readonly #harness: Collection;
  readonly #owned: DisposableStack;
  #packets = 0;

  /** @param maps Maps of the object that are needed though the program does not name them. */
  constructor(object: string, program: string, maps: readonly string[] = []) {
    using owned = new DisposableStack();
    this.spec = readObject(object);
    this.#program = program;
    this.#template = owned.use(prepare(this.spec, { only: [program, ...maps] }));
    this.#harness = owned.use(loadCollection(readObject("harness")));
    this.#owned = owned.move();
  }

  map(name: string): BpfMap {
    const map = this.#template.maps.get(name);
    if (map) return map;
    throw new TypeError(
      `Cannot find map "${name}": not used by "${this.#program}", expected one of ` +
        [...this.#template.maps.keys()].join(", "),
    );
  }

  /** Loads the program of an endpoint, which has the policy of the same number. */
  install(endpoint: number): void {
    const variables = { ...SILENT, ...SOURCE_ADDRESSES, config_endpoint: endpoint };
    const known = Object.entries(variables).filter(([name]) => this.spec.variables.has(name));
    const collection = this.#owned.use(
      this.#template.instantiate({ variables: Object.fromEntries(known) }),
    );
    const slot = endpoint * 2 + HOOK_FROM_CONTAINER;
    this.#harness.map("harness_programs").updateSlot(slot, collection.program(this.#program));
    if (!this.#template.maps.has("endpoint_policies")) return;
    const policy = Uint32Array.of(0, 0, endpoint, 0);
    this.map("endpoint_policies").update(endpoint, new Uint8Array(policy.buffer));
  }

  /** Sets the packets: `struct packet_slot` records. */
  feed(records: Uint8Array): void {
    using mapped = this.#harness.map("packets_in").mmap();
    new Uint8Array(mapped.buffer).set(records);
    this.#packets = records.length / PACKET_SLOT_SIZE;
  }

  /** One pass is all packets; its time is that of one. */
  get contender(): Contender {
    return { pass: () => this.#runAll() };
  }

  /**
   * Runs all packets. Answer i holds the verdict and the mark of packet i.
   *
   * @throws {Error} If a packet has not been run.
   */
  answers(): BigUint64Array {
    using mapped = this.#harness.map("packets_out").mmap();
    const view = new DataView(mapped.buffer);
    const at = (i: number, offset: number) => i * PACKET_SLOT_SIZE + offset;
    for (let i = 0; i < this.#packets; i++) {
      view.setInt32(at(i, PACKET_SLOT_VERDICT_OFF), PACKET_NOT_RUN, true);
    }
    this.#runAll();
    return BigUint64Array.from({ length: this.#packets }, (_, i) => {
      const verdict = view.getInt32(at(i, PACKET_SLOT_VERDICT_OFF), true);
      if (verdict === PACKET_NOT_RUN) {
        throw new Error(`Cannot run "${this.#program}": packet ${i} not run, expected a verdict`);
      }
      return BigInt(verdict) << 32n | BigInt(view.getUint32(at(i, PACKET_SLOT_MARK_OFF), true));
    });
  }

  /** Nanoseconds of one packet, harness included. */
  #runAll(): number {
    using next = this.#harness.map("next_packet").mmap();
    new BigUint64Array(next.buffer)[0] = 0n;
    const program = this.#harness.program("run_packets");
    let total = 0;
    for (let done = 0; done < this.#packets; done += SLICE) {
      const repeat = Math.min(SLICE, this.#packets - done);
      total += program.testRun({ data: CARRIER, repeat }).duration * repeat;
    }
    return total / this.#packets;
  }

  [Symbol.dispose](): void {
    this.#owned.dispose();
  }
}
