import { attachTcx } from "ebpf-ts-loader";
import type { KernelNode } from "../datapath/kernel_node.ts";
import type { Topology } from "./topology.ts";

/**
 * Attaches the programs of a node to the veths of its pods, until what is returned is disposed.
 * Requires Linux 6.6 (TCX).
 *
 * @throws NotSupportedError, SyscallError. Nothing stays attached then.
 */
export function attachPrograms(node: KernelNode, topology: Topology): Disposable {
  using owned = new DisposableStack();
  // The kernel looks an interface up in the namespace of the thread that attaches.
  topology.node.run(() => {
    for (const { id, ifindex } of topology.pods) {
      const programs = node.programs.get(id);
      if (!programs) continue;
      owned.use(attachTcx(programs.program("from_container"), { ifindex, direction: "ingress" }));
      owned.use(attachTcx(programs.program("to_container"), { ifindex, direction: "egress" }));
    }
  });
  return owned.move();
}
