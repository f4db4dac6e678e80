/** Packets, and their bytes on the wire. */
export interface Count {
  packets: number;
  bytes: number;
}

/** Counts by name, in order of appearance. */
export type Counts = Readonly<Record<string, Readonly<Count>>>;

/** How many packets had what fate. */
export class Counters {
  readonly #tables = { verdicts: {}, reasons: {}, protocols: {} } satisfies Record<
    string,
    Record<string, Count>
  >;

  /** Counts a packet of `bytes` bytes; without a reason it was not dropped. */
  add(packet: { verdict: string; reason?: string; protocol: string; bytes: number }): void {
    const { verdict, reason, protocol, bytes } = packet;
    note(this.#tables.verdicts, verdict, bytes);
    note(this.#tables.protocols, protocol, bytes);
    if (reason !== undefined) note(this.#tables.reasons, reason, bytes);
  }

  get verdicts(): Counts {
    return this.#tables.verdicts;
  }

  get reasons(): Counts {
    return this.#tables.reasons;
  }

  get protocols(): Counts {
    return this.#tables.protocols;
  }
}

function note(table: Record<string, Count>, name: string, bytes: number): void {
  const count = table[name] ??= { packets: 0, bytes: 0 };
  count.packets++;
  count.bytes += bytes;
}
