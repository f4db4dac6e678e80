import type { CapturedPacket } from "../pcap/capture.ts";
import type { ImageFault } from "../verify/reproducer.ts";
import type { FuzzProgress, FuzzResult, FuzzShare } from "./fuzz.ts";

/** What a thread of `fuzzOnThreads()` is to do; a message. */
export interface FuzzTask {
  /** The emulator's module. */
  readonly module: WebAssembly.Module;
  /** Whether the kernel runs as well. */
  readonly kernel: boolean;
  readonly seed: number;
  readonly packets: number | undefined;
  readonly seconds: number | undefined;
  readonly share: FuzzShare;
  readonly corpus: readonly CapturedPacket[];
  readonly fault: ImageFault | undefined;
}

/** What it tells. */
export type FuzzMessage =
  | { readonly kind: "progress"; readonly progress: FuzzProgress }
  | { readonly kind: "result"; readonly result: FuzzResult }
  | { readonly kind: "error"; readonly error: unknown };
