/**
 * What is measured of real traffic, and in which units people read it.
 *
 * @module
 */
import { percentileOf, perUnit, type Reading, type Traffic } from "./measure_net.ts";

/** A unit that people read, made of nanoseconds and back. */
export interface NetUnit {
  readonly name: string;
  readonly of: (nanoseconds: number) => number;
  readonly better: "more" | "less";
}

/** A figure that is read from the passes of one kind of traffic. */
export interface NetFigure {
  /** As in `net.<name>.none`. */
  readonly name: string;
  readonly label: string;
  readonly unit: NetUnit;
  readonly read: Reading;
}

/** One kind of traffic, and what is read from it. */
export interface MeasuredTraffic {
  readonly traffic: Traffic;
  readonly figures: readonly NetFigure[];
}

const BITS_PER_KIB = 8192;

const GIGABITS: NetUnit = { name: "Gbit/s", of: (ns) => BITS_PER_KIB / ns, better: "more" };
const THOUSANDS: NetUnit = { name: "1,000/s", of: (ns) => 1e6 / ns, better: "more" };
const MICROSECONDS: NetUnit = { name: "µs", of: (ns) => ns / 1000, better: "less" };

function latencies(protocol: "tcp" | "udp"): MeasuredTraffic {
  return {
    traffic: { kind: "transactions", over: protocol, count: 1000 },
    figures: [50, 99].map((percent) => ({
      name: `${protocol}_rr.p${percent}`,
      label: `${protocol.toUpperCase()} request and response of a byte, p${percent}`,
      unit: MICROSECONDS,
      read: percentileOf(percent),
    })),
  };
}

/** All of it, in the order in which it runs. */
export const MEASURED: readonly MeasuredTraffic[] = [
  {
    traffic: { kind: "stream", over: "tcp", count: 2000 },
    figures: [{ name: "tcp_stream", label: "TCP stream", unit: GIGABITS, read: perUnit }],
  },
  {
    traffic: { kind: "datagrams", over: "udp", count: 10_000 },
    figures: [{
      name: "udp_stream",
      label: "UDP datagrams of 1,400 bytes",
      unit: THOUSANDS,
      read: perUnit,
    }],
  },
  {
    traffic: { kind: "flows", over: "flows", count: 1400 },
    figures: [{
      name: "udp_flow",
      label: "UDP datagrams that begin a flow",
      unit: THOUSANDS,
      read: perUnit,
    }],
  },
  latencies("tcp"),
  latencies("udp"),
];

/** Every figure. */
export const NET_FIGURES: readonly NetFigure[] = MEASURED.flatMap(({ figures }) => figures);
