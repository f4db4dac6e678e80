import { assert, assertEquals } from "@std/assert";
import { loadCollection } from "ebpf-ts-loader";
import { bpfCommandName, traceBpf } from "ebpf-ts-loader/sys";
import { fixture } from "../fixtures.ts";
import { kernelTest } from "../kernel.ts";

kernelTest("traceBpf() reports the calls of a load, in order, until it is disposed", () => {
  const calls: string[] = [];
  {
    using _trace = traceBpf(({ command, result, nanoseconds }) => {
      assert(result >= 0 && nanoseconds >= 0);
      calls.push(bpfCommandName(command));
    });
    using _collection = loadCollection(fixture("tc.bpf.o"), { only: ["tail_target"] });
  }
  assertEquals(calls, ["BPF_BTF_LOAD", "BPF_PROG_LOAD"]);
  using _later = loadCollection(fixture("tc.bpf.o"), { only: ["tail_target"] });
  assertEquals(calls.length, 2);
});

kernelTest("traceBpf() leaves a later tracer alone", () => {
  let first = 0;
  let second = 0;
  const outer = traceBpf(() => void first++);
  using _inner = traceBpf(() => void second++);
  outer[Symbol.dispose]();
  using _collection = loadCollection(fixture("tc.bpf.o"), { only: ["tail_target"] });
  assertEquals([first, second], [0, 2]);
});
