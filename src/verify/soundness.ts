/**
 * Are the classes right? Random flows must answer like the class that they fall into: one
 * that does not shows a boundary that the classes have missed.
 *
 * @module
 */
import { addressNumber, addressOfBytes, addressOfNumber, type Family } from "./address.ts";
import { type BatchMismatch, MOST_MISMATCHES, withPackets } from "./class_run.ts";
import type { ClassSpace } from "./classes.ts";
import type { Comparison } from "./compare.ts";
import { type Flow, hasPorts, IP_PROTOCOL, isIcmp, TCP_FLAG } from "./flow.ts";
import { PacketMaker } from "./packet_maker.ts";
import type { Random } from "./random.ts";
import type { Scenario } from "./scenario.ts";
import type { Signatures } from "./signature.ts";

/** What became of the random flows. */
export interface SoundnessReport {
  readonly flows: number;
  readonly mismatches: readonly BatchMismatch[];
}

/** Runs `count` random flows, each with its first packet, against their classes. */
export function runRandom(
  scenario: Scenario,
  space: ClassSpace,
  comparison: Comparison,
  signatures: Signatures,
  { count, random }: { count: number; random: Random },
  onProgress: (done: number) => void = () => {},
): SoundnessReport {
  const source = new FlowSource(scenario, space, random);
  const maker = new PacketMaker(scenario);
  const mismatches: BatchMismatch[] = [];
  let done = 0;
  while (done < count && mismatches.length < MOST_MISMATCHES) {
    const size = Math.min(comparison.capacity, count - done);
    const classes: (number | undefined)[] = [];
    for (let i = 0; i < size; i++) {
      const shape = source.next();
      const flow: Flow = { ...shape, sport: maker.nextSourcePort(shape.dport) };
      maker.startFlow();
      maker.add(flow, "first", 2 + random.below(HIGHEST_TTL - 1));
      classes.push(space.classOf(flow));
    }
    const batch = maker.take();
    const result = comparison.run(batch);
    mismatches.push(...withPackets(result, batch));
    for (const [i, index] of classes.entries()) {
      const packet = batch[i];
      // Random flows that happen to be each other's answer, or one flow, are none of a class.
      if (packet?.expected?.fresh === false) continue;
      if (index !== undefined && signatures.note(index, result.answer(i))) continue;
      const differences = [
        index === undefined ? "is in no class" : `answers unlike class ${index}`,
      ];
      mismatches.push({ packet, differences, answers: {}, packets: batch.slice(i, i + 1) });
    }
    done += size;
    onProgress(done);
  }
  return { flows: done, mismatches };
}

/** Neighbour discovery is recognised by a hop limit of 255: not a matter of policy. */
const HIGHEST_TTL = 254;

const UNLISTED: Readonly<Record<Family, readonly number[]>> = {
  4: [2, 41, 44, 47, 50, 58, 89, 103, 255],
  6: [1, 2, 41, 47, 50, 89, 103, 255],
};

/** Makes flows: half of what it picks are values that a policy names, half are any. */
class FlowSource {
  readonly #scenario: Scenario;
  readonly #space: ClassSpace;
  readonly #random: Random;
  readonly #known: Readonly<Record<Family, readonly bigint[]>>;

  constructor(scenario: Scenario, space: ClassSpace, random: Random) {
    this.#scenario = scenario;
    this.#space = space;
    this.#random = random;
    const known = scenario.node.ipcache.map(({ address }) => addressOfBytes(address));
    const numbers = (family: Family) => known.filter((a) => a.family === family).map(addressNumber);
    this.#known = { 4: numbers(4), 6: numbers(6) };
  }

  next(): Omit<Flow, "sport"> {
    const random = this.#random;
    const { id, ipv4, ipv6 } = random.pick(this.#scenario.node.endpoints);
    const own = addressOfBytes(random.pick([ipv4, ipv6].filter((a) => a !== undefined)));
    const { family } = own;
    const peer = addressOfNumber(family, this.#address(family));
    const outward = random.below(2) === 0;
    const protocol = this.#protocol(family);
    return {
      endpoint: id,
      hook: outward ? "from_container" : "to_container",
      source: outward ? own : peer,
      destination: outward ? peer : own,
      protocol,
      dport: isIcmp({ protocol }) ? random.below(256) : hasPorts({ protocol }) ? this.#port() : 0,
      code: isIcmp({ protocol }) ? random.below(6) : 0,
      tcpFlags: protocol !== IP_PROTOCOL.TCP
        ? 0
        : random.below(2) === 0
        ? TCP_FLAG.SYN
        : random.below(64),
      mark: outward || random.below(2) === 0 ? 0 : random.pick(this.#space.marks),
    };
  }

  #address(family: Family): bigint {
    const random = this.#random;
    const known = this.#known[family];
    if (known.length === 0 || random.below(4) === 0) return this.#anyAddress(family);
    const address = random.pick(known);
    if (random.below(2) === 0) return address;
    // Near a known one: the last bits, or any one bit, are others.
    const flipped = random.below(2) === 0
      ? BigInt(random.below(16))
      : 1n << BigInt(random.below(family === 4 ? 32 : 128));
    return address ^ flipped;
  }

  #anyAddress(family: Family): bigint {
    let address = 0n;
    for (let i = 0; i < (family === 4 ? 1 : 4); i++) {
      address = address << 32n | BigInt(this.#random.u32());
    }
    return address;
  }

  #protocol(family: Family): number {
    const { TCP, UDP, SCTP, ICMP, ICMPV6 } = IP_PROTOCOL;
    const own = family === 4 ? ICMP : ICMPV6;
    const drawn = this.#random.pick([TCP, TCP, TCP, UDP, UDP, SCTP, own, 0]);
    return drawn === 0 ? this.#random.pick(UNLISTED[family]) : drawn;
  }

  #port(): number {
    return this.#random.below(2) === 0
      ? this.#random.below(0x10000)
      : this.#random.pick(this.#space.portCorners);
  }
}
