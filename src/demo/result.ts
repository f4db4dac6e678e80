import { type Decision, sameDecision } from "./decision.ts";
import type { Probe } from "./probe.ts";
import type { Outcome, ProbeResult } from "./traffic.ts";

/** One probe: what happened, and what was foreseen. */
export interface DemoResult {
  readonly source: string;
  readonly destination: string;
  readonly family: 4 | 6;
  readonly protocol: Probe["protocol"];
  readonly port: number;
  readonly outcome: Outcome;
  /** Of a failure. */
  readonly error: string | undefined;
  /** What the programs in the kernel decided, by their events. */
  readonly kernel: Decision | undefined;
  /** What the emulator decided about the same packet. */
  readonly emulator: Decision | undefined;
  /** Outcome, kernel and emulator agree. */
  readonly match: boolean;
}

/** What happened, what the kernel said about it, and what the emulator had said before. */
export function compareResult(
  { probe, outcome, error }: ProbeResult,
  kernel: Decision | undefined,
  emulator: Decision | undefined,
): DemoResult {
  const told = kernel && (kernel.allowed ? "reached" : "denied");
  return {
    source: probe.source.name,
    destination: probe.destination.name,
    family: probe.family,
    protocol: probe.protocol,
    port: probe.port,
    outcome,
    error,
    kernel,
    emulator,
    match: outcome === told && sameDecision(kernel, emulator),
  };
}

/** `default/xwing` → `xwing`; other namespaces stay. */
export function shortName(name: string): string {
  return name.replace(/^default\//, "");
}
