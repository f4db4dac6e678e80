import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  createMap,
  kernelFeatures,
  loadProgram,
  type MapSpec,
  MapType,
  NotSupportedError,
  type ProgramSpec,
  ProgramType,
  VerifierError,
} from "ebpf-ts-loader";
import { SyscallError } from "ebpf-ts-loader/sys";
import { concatBytes } from "../../src/ebpf-ts-loader/features/_instructions.ts";
import * as instructions from "../../src/ebpf-ts-loader/features/_instructions.ts";
import { fixture } from "./fixtures.ts";
import { kernelTest } from "./kernel.ts";

const { callHelper, exit, jumpUnlessR0, setR0 } = instructions;

function mustMapSpec(changes: Partial<MapSpec>): MapSpec {
  const spec = fixture("tc.bpf.o").maps.get("flows");
  assert(spec);
  return { ...spec, keyTypeId: 0, valueTypeId: 0, ...changes };
}

/** A program of these instructions and nothing else. */
function mustProgramSpec(body: Uint8Array<ArrayBuffer>[], type: number): ProgramSpec {
  const spec = fixture("tc.bpf.o").programs.get("tail_target");
  assert(spec);
  const none = new Uint8Array(0);
  return {
    ...spec,
    type,
    instructions: concatBytes(body),
    functionInfo: none,
    lineInfo: none,
    coreRelocations: none,
  };
}

const load = (body: Uint8Array<ArrayBuffer>[], type: number = ProgramType.SCHED_CLS) =>
  loadProgram(mustProgramSpec(body, type), { license: "GPL" });

kernelTest("a map type that the kernel lacks is a NotSupportedError", () => {
  const spec = mustMapSpec({ type: MapType.RINGBUF, keySize: 4, valueSize: 4 });
  const wrong = assertThrows(() => createMap(spec), SyscallError, "EINVAL");
  assertEquals(
    wrong.message,
    'Cannot create RINGBUF map "flows": EINVAL from BPF_MAP_CREATE, expected success',
  );
  using _old = kernelFeatures.pretend("map type RINGBUF", "no");
  const error = assertThrows(() => createMap(spec), NotSupportedError);
  assertEquals(
    error.message,
    'Cannot create RINGBUF map "flows": map type RINGBUF not supported, ' +
      "expected Linux 5.8 or newer",
  );
  assertEquals([error.feature, error.minimumKernel], ["map type RINGBUF", "5.8"]);
  assert(error.cause instanceof SyscallError);
  using _unknown = kernelFeatures.pretend("map type RINGBUF", "unknown");
  assertThrows(() => createMap(spec), SyscallError, "EINVAL");
});

kernelTest("a feature is asked for only after a failure", () => {
  using _old = kernelFeatures.pretend("map type HASH", "no");
  using map = createMap(mustMapSpec({}));
  assertEquals(map.type, MapType.HASH);
});

kernelTest("a program type that the kernel lacks is a NotSupportedError", () => {
  const NETLINK_FILTER_OF_2035 = 999;
  assertThrows(
    () => load([setR0(0), exit()], NETLINK_FILTER_OF_2035),
    NotSupportedError,
    "program type type 999 not supported",
  );
  using _old = kernelFeatures.pretend("program type SK_LOOKUP", "no");
  // Refused before the verifier: programs of the type have to say where they attach.
  assertThrows(
    () => load([setR0(0), exit()], ProgramType.SK_LOOKUP),
    NotSupportedError,
    "program type SK_LOOKUP not supported, expected Linux 5.9 or newer",
  );
});

kernelTest("a helper that the kernel lacks is a NotSupportedError", () => {
  assertThrows(
    () => load([callHelper(9999), exit()]),
    NotSupportedError,
    'Cannot load program "tail_target": helper #9999 not supported, ' +
      "expected another construction",
  );
});

kernelTest("a program that the verifier refuses has its words in the message", () => {
  const error = assertThrows(() => load([exit()]), VerifierError);
  assertEquals(
    error.message,
    'Cannot load program "tail_target": EACCES (R0 !read_ok), expected the verifier to accept it',
  );
  assert(error.log.length > 1 && !error.tooComplex);
});

kernelTest("a program with too many branches is recognised", () => {
  const PRANDOM = 7;
  const JUMP_IF_EQUAL = 0x15;
  // Either way goes on behind it; going on without the jump, r0 is as unknown as before.
  const branches = Array.from({ length: 9000 }, (_, index) => {
    const jump = jumpUnlessR0(index, 0);
    jump[0] = JUMP_IF_EQUAL;
    return jump;
  });
  const error = assertThrows(() => load([callHelper(PRANDOM), ...branches, exit()]), VerifierError);
  assert(error.tooComplex);
  assertStringIncludes(error.message, "(The sequence of 8193 jumps is too complex.)");
  assertStringIncludes(error.message, "expected fewer instructions to verify");
});

Deno.test("VerifierError recognises every way to be too complex", () => {
  const complex = (line: string) =>
    new VerifierError("p", "E2BIG", `0: R1=ctx\n${line}\nprocessed 9 insns (limit 9)\n`).tooComplex;
  assertEquals(
    [
      "BPF program is too large. Processed 1000001 insn",
      "The sequence of 8193 jumps is too complex.",
      "BPF program is too complex",
      "R1 invalid mem access 'scalar'",
      "processed 1000001 insns (limit 1000000) max_states_per_insn 1",
    ].map(complex),
    [true, true, true, false, false],
  );
});
