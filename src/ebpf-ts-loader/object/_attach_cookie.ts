import { ProgramType } from "../spec/program_types.ts";
import { ATTR, BPF, BpfAttr, close } from "../sys/mod.ts";

const GET_ATTACH_COOKIE = 174;

let cached: boolean | undefined;

/** Whether probes may ask for the cookie they were attached with: tried by loading one. */
export function hasAttachCookie(): boolean {
  return cached ??= tryToLoad();
}

function tryToLoad(): boolean {
  const instructions = new Uint8Array(16);
  const view = new DataView(instructions.buffer);
  view.setUint8(0, 0x85); // call
  view.setInt32(4, GET_ATTACH_COOKIE, true);
  view.setUint8(8, 0x95); // exit
  const at = ATTR.PROG_LOAD;
  const fd = new BpfAttr(BPF.PROG_LOAD, at.size)
    .u32(at.type, ProgramType.KPROBE)
    .u32(at.count, 2)
    .pointer(at.instructionsPtr, instructions)
    .pointer(at.licensePtr, new TextEncoder().encode("GPL\0"))
    .call();
  if (fd < 0) return false;
  close(fd);
  return true;
}
