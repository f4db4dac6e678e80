import { kernelFeatures } from "../features/kernel_features.ts";
import type { BpfProgram } from "../object/bpf_program.ts";
import { AttachType } from "../spec/program_types.ts";
import { currentNetns, type Netns } from "../sys/mod.ts";
import { createLink } from "./_create_link.ts";
import { type AttachedPrograms, queryPrograms } from "./_query_programs.ts";
import { BpfLink } from "./bpf_link.ts";

/** Options of {@linkcode attachNetns}. */
export interface NetnsOptions {
  /** The network namespace. @default the calling thread's */
  readonly netns?: Netns;
  /** `SK_LOOKUP` or `FLOW_DISSECTOR`. @default the program's expected one */
  readonly attachType?: number;
}

const FEATURE = {
  name: "network namespace links",
  minimumKernel: "5.9",
  probe: () => kernelFeatures.link("netns"),
};

/** Runs `body` with a namespace of the caller's, or the calling thread's. */
function withNetns<T>(netns: Netns | undefined, body: (fd: number) => T): T {
  if (netns) return body(netns.fd);
  using current = currentNetns();
  return body(current.fd);
}

/**
 * Attaches a program to a network namespace: `sk_lookup`, which chooses the listening socket for
 * a new connection, or a flow dissector. It runs until the link is disposed, unless that is
 * pinned, or the namespace goes. The caller owns the link. Requires Linux 5.9 (5.8 for flow
 * dissectors), else {@linkcode NotSupportedError}.
 *
 * @example Usage
 * ```ts
 * import { attachNetns, type BpfProgram } from "ebpf-ts-loader";
 * const steer = (skLookup: BpfProgram) => attachNetns(skLookup);
 * ```
 */
export function attachNetns(
  program: Pick<BpfProgram, "fd" | "name" | "expectedAttachType">,
  options: NetnsOptions = {},
): BpfLink {
  const { netns, attachType = program.expectedAttachType } = options;
  return withNetns(netns, (target) => {
    const place = `network namespace, attach type ${attachType}`;
    return new BpfLink(createLink({ program, target, attachType, place }, FEATURE));
  });
}

/**
 * Lists the programs of a network namespace in the order they run. Link ids are 0: the kernel
 * does not tell. Requires Linux 5.9 (4.20 for flow dissectors).
 *
 * @example Usage
 * ```ts
 * import { queryNetns } from "ebpf-ts-loader";
 * const isSteered = () => queryNetns().programs.length > 0;
 * ```
 */
export function queryNetns(options: NetnsOptions = {}): AttachedPrograms {
  const { netns, attachType = AttachType.SK_LOOKUP } = options;
  return withNetns(
    netns,
    (target) => queryPrograms({ target, attachType, place: "network namespace" }),
  );
}
