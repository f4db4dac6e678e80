/**
 * A thread that sends packets until it is told to stop, or one is lost, each the first of a flow of its own, so
 * that each is judged and told of, and takes them in at the other end.
 */
import { check, defineSyscall, encodeSocketAddress, ERRNO } from "ebpf-ts-loader/sys";
import { newPacket } from "../../src/datapath/packet_builder.ts";
import { CONTROL } from "./control.ts";

/** A port, and the socket that is bound to it at the other end. */
export interface Target {
  readonly port: number;
  readonly fd: number;
  /** Every packet to it must arrive. */
  readonly always: boolean;
}

/** What the thread is told. */
export interface SenderOrder {
  /** A raw socket of the sender's, with headers of one's own. */
  readonly fd: number;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly targets: readonly Target[];
  readonly control: Int32Array;
}

/** What came of it. */
export interface SenderResult {
  readonly sent: number;
  /** Sent to ports that are always allowed. */
  readonly mustArrive: number;
  readonly arrived: number;
  /** Arrived at ports that are sometimes allowed. */
  readonly sometimesArrived: number;
}

/** Source ports in use. */
const FIRST_PORT = 1024;
const PORTS = 65536 - FIRST_PORT;
/** Packets under way at most: few enough for the receivers' buffers. */
const WINDOW = 64;
/** Packets of whose events nobody has read yet, at most: with two of each half of the ring. */
const MOST_UNSEEN = 20_000;
/** Long after this, a packet does not come any more. */
const PATIENCE_MS = 10_000;

const IPV4_BYTES = 20;

const sendto = defineSyscall("sendto", ["i32", "buffer", "u32", "i32", "buffer", "u32"]);
const read = defineSyscall("read", ["i32", "buffer", "u32"]);

declare const self: {
  onmessage: (event: MessageEvent<SenderOrder>) => void;
  postMessage(result: SenderResult): void;
};

self.onmessage = ({ data }) => self.postMessage(new Sender(data).run());

class Sender {
  readonly #order: SenderOrder;
  readonly #packet: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  readonly #address: Uint8Array<ArrayBuffer>;
  readonly #buffer = new Uint8Array(64);
  #sent = 0;
  #mustArrive = 0;
  #arrived = 0;
  #sometimesArrived = 0;

  constructor(order: SenderOrder) {
    const { source, destination } = order;
    this.#order = order;
    this.#packet = Uint8Array.from(
      newPacket().ipv4({ source, destination }).udp({ source: 0, destination: 0 })
        .payload(new Uint8Array(8)).build(),
    );
    this.#view = new DataView(this.#packet.buffer);
    this.#view.setUint16(IPV4_BYTES + 6, 0); // UDP without a checksum: its ports change
    this.#address = Uint8Array.from(encodeSocketAddress({ address: destination, port: 0 }));
  }

  run(): SenderResult {
    const { control, targets } = this.#order;
    const flows = PORTS * targets.length;
    while (this.#sent < flows && Atomics.load(control, CONTROL.STOP) === 0) {
      this.#waitForReader();
      for (let i = 0; i < WINDOW; i++) this.#send();
      this.#receive();
      if (this.#arrived < this.#mustArrive) break; // one that is lost tells enough
    }
    return {
      sent: this.#sent,
      mustArrive: this.#mustArrive,
      arrived: this.#arrived,
      sometimesArrived: this.#sometimesArrived,
    };
  }

  #send(): void {
    const { fd, targets, control } = this.#order;
    const target = targets[this.#sent % targets.length];
    if (target === undefined) return;
    this.#view.setUint16(IPV4_BYTES, FIRST_PORT + Math.floor(this.#sent / targets.length) % PORTS);
    this.#view.setUint16(IPV4_BYTES + 2, target.port);
    const { length } = this.#packet;
    check(sendto(fd, this.#packet, length, 0, this.#address, this.#address.length), "sendto");
    this.#sent++;
    if (target.always) this.#mustArrive++;
    Atomics.add(control, CONTROL.SENT, 1);
  }

  /** Waits until all that must arrive has arrived. */
  #receive(): void {
    const end = performance.now() + PATIENCE_MS;
    for (;;) {
      for (const { fd, always } of this.#order.targets) {
        const count = this.#take(fd);
        if (always) this.#arrived += count;
        else this.#sometimesArrived += count;
      }
      if (this.#arrived >= this.#mustArrive || performance.now() > end) return;
    }
  }

  #take(fd: number): number {
    for (let count = 0;; count++) {
      const result = read(fd, this.#buffer, this.#buffer.length);
      if (result === -ERRNO.EAGAIN) return count;
      check(result, "read");
    }
  }

  #waitForReader(): void {
    const { control } = this.#order;
    for (;;) {
      const seen = Atomics.load(control, CONTROL.SEEN);
      const unseen = Atomics.load(control, CONTROL.SENT) - seen;
      if (unseen < MOST_UNSEEN || Atomics.load(control, CONTROL.STOP) !== 0) return;
      Atomics.wait(control, CONTROL.SEEN, seen, 1);
    }
  }
}
