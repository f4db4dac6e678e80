import type { IpAddress } from "../../src/cluster/ip_address.ts";
import { DatapathMemory } from "../../src/datapath/datapath_memory.ts";
import { readEmulatorWasm } from "../../src/datapath/emulator_file.ts";
import {
  DIRECTION_EGRESS,
  DIRECTION_INGRESS,
  IPCACHE4_KEY_SIZE,
  IPCACHE6_KEY_SIZE,
  VERDICT_ALLOW,
  VERDICT_DENY,
  VERDICT_NONE,
  VERDICT_REDIRECT,
} from "../../src/datapath/layout.ts";
import { addressBytes } from "../../src/verify/address.ts";
import type { PolicySnapshot } from "../../src/policy/snapshot.ts";
import type { Side } from "./flows.ts";

/** What the emulator says of one side. */
export interface EmulatedVerdict {
  readonly verdict: "allow" | "deny" | "redirect";
  /** Drop reason; absent when nothing is dropped. */
  readonly reason: 133 | 181 | undefined;
  readonly cookie: number;
}

const VERDICTS: ReadonlyMap<number, Pick<EmulatedVerdict, "verdict" | "reason">> = new Map([
  [VERDICT_NONE, { verdict: "deny", reason: 133 }],
  [VERDICT_ALLOW, { verdict: "allow", reason: undefined }],
  [VERDICT_DENY, { verdict: "deny", reason: 181 }],
  [VERDICT_REDIRECT, { verdict: "redirect", reason: undefined }],
]);

/** Bytes of a query and of its answer. */
const QUERY = 16;
const ANSWER = 8;

/** A snapshot in the emulator's tables: addresses and policies are looked up by the module. */
export class EmulatedWorld {
  static readonly #module = readEmulatorWasm().then((bytes) => new WebAssembly.Module(bytes));
  readonly #memory: DatapathMemory;
  readonly #slots = new Map<string, number>();

  private constructor(memory: DatapathMemory) {
    this.#memory = memory;
  }

  /** An instance of the module, empty. */
  static async make(): Promise<EmulatedWorld> {
    return new EmulatedWorld(new DatapathMemory(await EmulatedWorld.#module));
  }

  /** Replaces what is there by a snapshot. */
  load({ identities, ipcache, policies }: PolicySnapshot): void {
    this.#slots.clear();
    this.#memory.load({
      endpoints: [],
      identities: identities.flatMap(({ id, slot }) =>
        slot === undefined ? [] : [{ identity: id, slot }]
      ),
      ipcache: ipcache.map(({ address, prefixLength, identity }) => ({
        address: addressBytes(address),
        identity,
        ...(prefixLength === undefined ? {} : { prefixLength }),
      })),
      policies: policies.map(({ number, revision, mapState }) => ({ number, revision, mapState })),
    });
  }

  /** Asks about many sides in one call; `policies` are their numbers. */
  ask(sides: readonly Side[], policies: readonly number[]): EmulatedVerdict[] {
    const { exports } = this.#memory.wasm;
    const slots = sides.map(({ peer }) => this.#slotAt(peer.address));
    const bytes = sides.length * (QUERY + ANSWER);
    const queries = exports.allocate(bytes) >>> 0;
    if (queries === 0) throw new RangeError(`Cannot ask "${sides.length}" sides: out of memory`);
    const answers = queries + sides.length * QUERY;
    const words = new Uint32Array(this.#memory.wasm.memory.buffer, queries, bytes / 4);
    sides.forEach(({ direction, probe: { protocol, port } }, i) => {
      const at = direction === "ingress" ? DIRECTION_INGRESS : DIRECTION_EGRESS;
      words.set([policies[i] ?? 0, at, slots[i] ?? 0, protocol << 16 | port], i * 4);
    });
    exports.lookupPolicies(queries, sides.length, answers);
    const results = words.slice(sides.length * 4);
    exports.release(queries, bytes);
    return sides.map((_, i) => verdictOf(results[2 * i + 1] ?? 0, results[2 * i] ?? 0));
  }

  #slotAt(address: IpAddress | undefined): number {
    if (address === undefined) return 0;
    const known = this.#slots.get(address.text);
    if (known !== undefined) return known;
    const slot = this.#lookUp(address);
    this.#slots.set(address.text, slot);
    return slot;
  }

  /** The module answers with identity and slot, 32 bits each. */
  #lookUp(address: IpAddress): number {
    const { exports } = this.#memory.wasm;
    const size = address.family === 4 ? IPCACHE4_KEY_SIZE : IPCACHE6_KEY_SIZE;
    const at = exports.allocate(size + ANSWER) >>> 0;
    this.#memory.bytes(at, size).set(addressBytes(address));
    exports.lookupAddresses(at, 1, address.family, at + size);
    const [, slot = 0] = new Uint32Array(this.#memory.wasm.memory.buffer, at + size, 2);
    exports.release(at, size + ANSWER);
    return slot;
  }
}

function verdictOf(word: number, cookie: number): EmulatedVerdict {
  const known = VERDICTS.get(word & 0xff);
  if (known === undefined) throw new RangeError(`Cannot read verdict "${word}": unknown`);
  return { ...known, cookie };
}
