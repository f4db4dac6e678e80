import { assert, assertEquals, assertThrows } from "@std/assert";
import { cloneProgram, loadProgram, type ProgramSpec, VerifierError } from "ebpf-ts-loader";
import { fixture } from "../fixtures.ts";
import { kernelTest, packet } from "../kernel.ts";

const MOV_R0 = 0xb7;
const EXIT = 0x95;

/** A tc program of `length` instructions: the last exits, those before set r0 to their index. */
function counting(length: number, firstOpcode = MOV_R0): ProgramSpec {
  const base = fixture("tc.bpf.o").programs.get("tail_target");
  assert(base);
  const instructions = new Uint8Array(length * 8);
  const view = new DataView(instructions.buffer);
  for (let index = 0; index < length - 1; index++) {
    view.setUint8(index * 8, index === 0 ? firstOpcode : MOV_R0);
    view.setInt32(index * 8 + 4, index, true);
  }
  view.setUint8((length - 1) * 8, EXIT);
  return { ...cloneProgram(base), instructions, references: [] };
}

kernelTest("loadProgram() loads plain instructions without BTF", () => {
  using program = loadProgram(counting(10));
  assertEquals(program.testRun({ data: packet() }).returnValue, 8);
});

kernelTest("loadProgram() makes room for a log larger than its first buffer", () => {
  using program = loadProgram(counting(4000), { logLevel: 2 });
  assert(program.verifierLog.length > 64 * 1024);
  assert(program.verifierLog.includes("processed 4000 insns"));
});

kernelTest("loadProgram() gives the whole log of a refusal", () => {
  const NONSENSE = 0xff;
  const error = assertThrows(
    () => loadProgram(counting(4000, NONSENSE), { logLevel: 2 }),
    VerifierError,
    'Cannot load program "tail_target": EINVAL (',
  );
  assert(error.log.length > 0);
});

kernelTest("loadProgram() names the map it was not given", () => {
  const spec = fixture("tc.bpf.o").programs.get("emit");
  assert(spec);
  assertThrows(() => loadProgram(spec), TypeError, 'no map "');
});
