import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  addressOf,
  check,
  close,
  defineAsyncSyscall,
  defineSyscall,
  errnoName,
  Fd,
  open,
  SYS,
  syscall,
  syscall64,
  SyscallError,
} from "ebpf-ts-loader/sys";
import { thunkElf } from "../../../src/ebpf-ts-loader/sys/_thunk_elf.ts";
import { withoutLeaks } from "../fd_leaks.ts";

Deno.test("syscall() returns the result, or −errno", () => {
  assertEquals(syscall(SYS.close, -1), -9);
  assert(syscall(SYS.gettid) > 0);
});

Deno.test("syscall() refuses numbers a register cannot hold", () => {
  assertThrows(() => syscall(SYS.close, 1.5), RangeError, "1.5");
  assertThrows(() => syscall(SYS.close, 2 ** 60), RangeError);
});

Deno.test("syscall64() passes buffers and addresses alike", () => {
  using file = new Fd(open("/dev/zero"));
  const bytes = new Uint8Array(8).fill(7);
  assertEquals(syscall64(SYS.read, file.fd, bytes, 4), 4n);
  assertEquals(syscall64(SYS.read, file.fd, addressOf(bytes) + 4n, 2), 2n);
  assertEquals([...bytes], [0, 0, 0, 0, 0, 0, 7, 7]);
});

Deno.test("defineSyscall() fixes argument types", () => {
  const read = defineSyscall("read", ["i32", "buffer", "usize"]);
  using file = new Fd(open("/dev/zero"));
  const bytes = new Uint8Array(4).fill(7);
  assertEquals(read(file.fd, bytes, 3), 3);
  assertEquals([...bytes], [0, 0, 0, 7]);
  assertEquals(read(-1, bytes, 3), -9);
});

Deno.test("defineAsyncSyscall() keeps errno apart between concurrent calls", async () => {
  const closeAsync = defineAsyncSyscall("close", ["i32"]);
  const readAsync = defineAsyncSyscall("read", ["i32", "buffer", "usize"]);
  using directory = new Fd(open("/"));
  const calls = Array.from(
    { length: 64 },
    (_, index) => index % 2 === 0 ? closeAsync(-1) : readAsync(directory.fd, new Uint8Array(1), 1),
  );
  const results = await Promise.all(calls);
  assertEquals([...new Set(results.map((result) => errnoName(-result)))], ["EBADF", "EISDIR"]);
});

Deno.test("check() throws a SyscallError that names command, errno and subject", () => {
  const error = assertThrows(
    () => check(-17, "BPF_OBJ_PIN", { action: "pin map", subject: "/sys/fs/bpf/x" }),
    SyscallError,
    'Cannot pin map "/sys/fs/bpf/x": EEXIST from BPF_OBJ_PIN, expected success',
  );
  assertEquals([error.command, error.errno, error.code], ["BPF_OBJ_PIN", 17, "EEXIST"]);
});

Deno.test("Fd closes with its scope and refuses use afterwards", async () => {
  await withoutLeaks(() => {
    let escaped: Fd | undefined;
    {
      using file = new Fd(open("/dev/null"));
      escaped = file;
      assert(file.open);
    }
    assertThrows(() => escaped?.fd, TypeError, "closed");
    escaped[Symbol.dispose]();
  });
});

Deno.test("withoutLeaks() sees a leak", async () => {
  let leaked = -1;
  await assertRejects(
    () => withoutLeaks(() => void (leaked = open("/dev/null"))),
    Error,
    "file descriptors left open",
  );
  close(leaked);
});

Deno.test("open() refuses a path with NUL", () => {
  assertThrows(() => open("/dev/null\0x"), TypeError, "without NUL");
});

Deno.test("thunkElf() is a small ELF for each architecture", () => {
  for (const arch of ["x86_64", "aarch64"] as const) {
    const elf = thunkElf(arch);
    assertEquals([...elf.subarray(0, 4)], [0x7f, 0x45, 0x4c, 0x46]);
    assert(elf.length < 520);
  }
});
