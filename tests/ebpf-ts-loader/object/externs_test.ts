import { assertEquals, assertThrows } from "@std/assert";
import { loadCollection, NotSupportedError, VerifierError } from "ebpf-ts-loader";
import { fixture } from "../fixtures.ts";
import { kernelTest, packet } from "../kernel.ts";

const NAME = "externs.bpf.o";

function run(name: string, kconfig: Record<string, string | number | boolean> = {}): number {
  using collection = loadCollection(fixture(NAME), { only: [name], kconfig });
  return collection.program(name).testRun({ data: packet() }).returnValue;
}

for (const name of ["kconfig", "ksym", "kfunc", "weak_kfunc"]) {
  kernelTest(`loadCollection() gives ${name} what the running kernel has`, () => {
    assertEquals(run(name), 0);
  });
}

kernelTest("loadCollection() takes configuration values from the caller", () => {
  assertEquals(run("kconfig_text", { CONFIG_LSM: "none" }), "n".charCodeAt(0));
  assertEquals(run("kconfig_number", { CONFIG_HZ: 1234 }), 1234);
});

kernelTest("loadCollection() lets sleepable programs take references to kernel objects", () => {
  using collection = loadCollection(fixture(NAME), { only: ["task"] });
  assertEquals(collection.program("task").info().type, 31);
});

kernelTest("loadCollection() says which weak function a refused program calls", () => {
  const error = assertThrows(
    () => loadCollection(fixture(NAME), { only: ["missing_kfunc"] }),
    VerifierError,
  );
  assertEquals(
    error.message,
    'Cannot load program "missing_kfunc": EINVAL (instruction 2 calls the weak function ' +
      "kernel_function_of_nobody, which this kernel does not have), " +
      "expected the verifier to accept it",
  );
});

kernelTest("loadCollection() names a kernel function that is not there", () => {
  const spec = fixture(NAME);
  const extern = spec.externs.get("kernel_function_of_nobody");
  if (extern) spec.externs.set(extern.name, { ...extern, weak: false });
  assertThrows(
    () => loadCollection(spec, { only: ["missing_kfunc"] }),
    NotSupportedError,
    'kernel function "kernel_function_of_nobody" of the declared type not supported',
  );
});

const REFUSED: { kconfig: Record<string, string | number | boolean>; message: string }[] = [
  {
    kconfig: { CONFIG_HZ: "m" },
    message: 'extern "CONFIG_HZ": "m", expected a value for its type',
  },
  { kconfig: { CONFIG_HZ: 2 ** 31 }, message: "2147483648, expected -2147483648 to 2147483647" },
  { kconfig: { CONFIG_BPF_SYSCALL: "m" }, message: 'extern "CONFIG_BPF_SYSCALL": "m"' },
  { kconfig: { CONFIG_NOBODY: 1 }, message: 'extern "CONFIG_NOBODY": not in "externs.bpf.o"' },
];

for (const { kconfig, message } of REFUSED) {
  kernelTest(`loadCollection() refuses the configuration ${JSON.stringify(kconfig)}`, () => {
    assertThrows(() => run("kconfig", kconfig), Error, message);
  });
}

kernelTest("loadCollection() names a configuration value that is not there", () => {
  const spec = fixture(NAME);
  const extern = spec.externs.get("CONFIG_NOT_IN_ANY_KERNEL");
  if (extern) spec.externs.set(extern.name, { ...extern, weak: false });
  assertThrows(
    () => loadCollection(spec, { only: ["kconfig"] }),
    TypeError,
    'Cannot set extern "CONFIG_NOT_IN_ANY_KERNEL": not in the kernel\'s configuration',
  );
});
