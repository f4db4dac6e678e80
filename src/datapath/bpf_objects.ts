import { type CollectionSpec, parseObject } from "ebpf-ts-loader";

/** The objects of bpf/, as committed. */
export type BpfObjectName = "datapath" | "lpm_datapath" | "harness";

/**
 * Reads a committed BPF object. Needs no kernel.
 *
 * @throws {ObjectFormatError} If the file is damaged.
 */
export function readBpfObject(name: BpfObjectName): CollectionSpec {
  const url = new URL(`../../bpf/obj/${name}.bpf.o`, import.meta.url);
  return parseObject(Deno.readFileSync(url), `${name}.bpf.o`);
}
