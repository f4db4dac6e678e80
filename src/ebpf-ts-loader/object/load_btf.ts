import type { Btf } from "../btf/btf.ts";
import { forOlderKernels } from "../btf/older_kernels.ts";
import { ObjectFormatError } from "../errors.ts";
import { ATTR, BPF, BpfAttr, Fd } from "../sys/mod.ts";

const LOG_SIZE = 64 * 1024;

/**
 * Loads BTF into the kernel. The caller owns the fd; maps and programs made with it hold the BTF
 * on their own. Given the types as `btf` too, what kernels before 6.0 do not know is said in older
 * words if the kernel refuses. Throws {@linkcode ObjectFormatError} with the kernel's reason.
 *
 * @example Usage
 * ```ts
 * import { type CollectionSpec, createMap, loadBtf } from "ebpf-ts-loader";
 * function sizeOf(spec: CollectionSpec, name: string): number {
 *   const map = spec.maps.get(name);
 *   if (!map || !spec.kernelBtf) throw new TypeError("no map or no BTF");
 *   using btf = loadBtf(spec.kernelBtf, spec.name);
 *   using created = createMap(map, { btfFd: btf.fd });
 *   return created.info().valueSize;
 * }
 * ```
 */
export function loadBtf(bytes: Uint8Array<ArrayBuffer>, subject: string, btf?: Btf): Fd {
  const at = ATTR.BTF_LOAD;
  const attr = new BpfAttr(BPF.BTF_LOAD, at.size)
    .pointer(at.btfPtr, bytes)
    .u32(at.btfSize, bytes.length);
  const fd = attr.call();
  if (fd >= 0) return new Fd(fd);
  const older = btf && attr.pointer(at.btfPtr, forOlderKernels(btf, bytes)).call();
  if (older !== undefined && older >= 0) return new Fd(older);

  attr.pointer(at.btfPtr, bytes);
  const log = new Uint8Array(LOG_SIZE);
  attr.pointer(at.logPtr, log).u32(at.logSize, LOG_SIZE).u32(at.logLevel, 1);
  const second = attr.call();
  if (second >= 0) return new Fd(second);
  const cause = attr.creationError(fd, { action: "load BTF of", subject });
  const reason = lastLine(log);
  if (reason === "") throw cause;
  throw new ObjectFormatError(`${subject} .BTF`, reason, "BTF the kernel accepts", { cause });
}

function lastLine(log: Uint8Array): string {
  const end = log.indexOf(0);
  const text = new TextDecoder().decode(log.subarray(0, end < 0 ? log.length : end));
  return text.trim().split("\n").at(-1)?.trim() ?? "";
}
