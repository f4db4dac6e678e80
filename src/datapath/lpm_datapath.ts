import { readBpfObject } from "./bpf_objects.ts";
import type { ConntrackDump } from "./datapath.ts";
import type { DatapathMemory } from "./datapath_memory.ts";
import { KernelHarness } from "./kernel_harness.ts";
import { CT_ENTRY_REDIRECT_OFF, CT_ENTRY_SIZE } from "./layout.ts";
import { LpmMaps } from "./lpm_maps.ts";

/**
 * The LPM twin: the datapath's own source, compiled to look addresses and policies up in Cilium's
 * layout (bpf/lpm_twin.h), and run in bulk as {@linkcode KernelHarness} does. Where it answers
 * otherwise than the kernel datapath, one of the two layouts is wrong.
 */
export class LpmDatapath extends KernelHarness<LpmMaps> {
  readonly kind = "lpm";
  /** @param memory Where tables are built; may be shared with the other datapaths. */
  constructor(memory: DatapathMemory) {
    super(memory, { object: readBpfObject("lpm_datapath"), maps: LpmMaps });
  }

  /**
   * Copies the conntrack tables. Cilium's entries know a redirect by its proxy's port alone; the
   * lowest id with that port is put in its place.
   */
  override conntrack(): ConntrackDump {
    const dump = super.conntrack();
    const ids = new Map<number, number>();
    const redirects = [...this.state.redirects ?? []].sort((a, b) => b.id - a.id);
    for (const { id, port } of redirects) ids.set(port, id);
    for (const values of [dump.values4, dump.values6]) {
      const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
      for (let at = CT_ENTRY_REDIRECT_OFF; at < values.length; at += CT_ENTRY_SIZE) {
        const port = view.getUint16(at, true);
        if (port !== 0) view.setUint16(at, ids.get(port) ?? 0, true);
      }
    }
    return dump;
  }
}
