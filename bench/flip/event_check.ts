import {
  DIRECTION_INGRESS,
  EVENT_DIRECTION_OFF,
  EVENT_DPORT_OFF,
  EVENT_POLICY_VERDICT,
  EVENT_PROTOCOL_OFF,
  EVENT_REVISION_OFF,
  EVENT_TYPE_OFF,
} from "../../src/datapath/layout.ts";
import { PROTOCOL } from "../../src/policy/map_state.ts";
import { isAlways, mixture } from "./policies.ts";

/** Mixtures that are told in words. */
const MOST_TOLD = 5;

/** Checks events one by one, and counts them. */
export class EventCheck {
  #events = 0;
  #mixed = 0;
  #changes = 0;
  #last = 0;
  #sometimesAllowed = 0;
  #atEgress = 0;
  #leftEgress = 0;
  readonly #judged = [0, 0];
  readonly #mixtures: string[] = [];

  /** Takes one record of the events ring: `length` bytes at `at` of `area`. */
  add(area: Uint8Array, at: number, length: number): void {
    const event = new DataView(area.buffer, area.byteOffset + at, length);
    // Namespaces that have just been made talk to themselves as well.
    if (event.getUint8(EVENT_PROTOCOL_OFF) !== PROTOCOL.UDP) return;
    const revision = event.getUint32(EVENT_REVISION_OFF, true);
    const wrong = mixture(event);
    this.#events++;
    if (wrong !== undefined) this.#note(wrong);
    const index = revision === 1 ? 0 : 1;
    this.#judged[index] = (this.#judged[index] ?? 0) + 1;
    if (this.#last !== 0 && this.#last !== revision) this.#changes++;
    this.#last = revision;
    const passed = event.getUint8(EVENT_TYPE_OFF) === EVENT_POLICY_VERDICT;
    if (event.getUint8(EVENT_DIRECTION_OFF) !== DIRECTION_INGRESS) {
      this.#atEgress++;
      if (passed) this.#leftEgress++;
    } else if (passed && !isAlways(event.getUint16(EVENT_DPORT_OFF))) this.#sometimesAllowed++;
  }

  #note(wrong: string): void {
    this.#mixed++;
    if (this.#mixtures.length < MOST_TOLD) this.#mixtures.push(wrong);
  }

  /** What was seen so far. */
  get report() {
    const [first = 0, second = 0] = this.#judged;
    return {
      events: this.#events,
      atEgress: this.#atEgress,
      leftEgress: this.#leftEgress,
      judged: [first, second] as const,
      changes: this.#changes,
      mixed: this.#mixed,
      mixtures: this.#mixtures,
      sometimesAllowed: this.#sometimesAllowed,
    };
  }
}
