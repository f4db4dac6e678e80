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
  #area: Uint8Array = new Uint8Array();
  #view = new DataView(this.#area.buffer);
  readonly #judged = [0, 0];
  readonly #mixtures: string[] = [];

  /** Takes the event at `at` of `area`. */
  add(area: Uint8Array, at: number): void {
    const events = this.#viewOf(area);
    // Namespaces that have just been made talk to themselves as well.
    if (events.getUint8(at + EVENT_PROTOCOL_OFF) !== PROTOCOL.UDP) return;
    const revision = events.getUint32(at + EVENT_REVISION_OFF, true);
    const wrong = mixture(events, at);
    this.#events++;
    if (wrong !== undefined) this.#note(wrong);
    const index = revision === 1 ? 0 : 1;
    this.#judged[index] = (this.#judged[index] ?? 0) + 1;
    if (this.#last !== 0 && this.#last !== revision) this.#changes++;
    this.#last = revision;
    const passed = events.getUint8(at + EVENT_TYPE_OFF) === EVENT_POLICY_VERDICT;
    if (events.getUint8(at + EVENT_DIRECTION_OFF) !== DIRECTION_INGRESS) {
      this.#atEgress++;
      if (passed) this.#leftEgress++;
    } else if (passed && !isAlways(events.getUint16(at + EVENT_DPORT_OFF))) {
      this.#sometimesAllowed++;
    }
  }

  /** One view for all events of one ring. */
  #viewOf(area: Uint8Array): DataView {
    if (this.#area !== area) {
      this.#area = area;
      this.#view = new DataView(area.buffer, area.byteOffset, area.length);
    }
    return this.#view;
  }

  #note(wrong: string): void {
    this.#mixed++;
    if (this.#mixtures.length < MOST_TOLD) this.#mixtures.push(wrong);
  }

  /** Events of the sender's policy so far: one for each packet. */
  get atEgress(): number {
    return this.#atEgress;
  }

  /** Neighbouring events of different policies so far. */
  get changes(): number {
    return this.#changes;
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
