import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  check,
  Fd,
  MappedMemory,
  pageSize,
  PROT,
  SYS,
  syscall,
  WasmMapping,
} from "ebpf-ts-loader/sys";

function memfd(length: number): Fd {
  const fd = check(
    syscall(SYS.memfd_create, new TextEncoder().encode("test\0"), 1),
    "memfd_create",
  );
  const bytes = new Uint8Array(length).fill(0xaa);
  check(syscall(SYS.write, fd, bytes, length), "write");
  return new Fd(fd);
}

const RW = PROT.READ | PROT.WRITE;

Deno.test("MappedMemory shares bytes with the file and detaches on disposal", () => {
  const page = pageSize();
  using file = memfd(page);
  using second = new MappedMemory({ fd: file.fd, length: page, protection: RW });
  let escaped: Uint8Array;
  {
    using first = new MappedMemory({ fd: file.fd, length: page, protection: RW });
    escaped = first.bytes;
    assertEquals(escaped[5], 0xaa);
    escaped[5] = 1;
  }
  assertEquals(second.bytes[5], 1);
  assertEquals(escaped.length, 0); // reads as empty, does not crash
});

Deno.test("WasmMapping puts file pages inside a WebAssembly.Memory and survives grow", () => {
  const page = pageSize();
  using file = memfd(page);
  using outside = new MappedMemory({ fd: file.fd, length: page, protection: RW });
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 4 });
  {
    using mapping = new WasmMapping(memory, page, { fd: file.fd, length: 10, protection: RW });
    assertEquals(new Uint8Array(memory.buffer)[page], 0xaa);
    outside.bytes[0] = 1;
    memory.grow(1);
    assertEquals(mapping.bytes[0], 1);
    mapping.bytes[1] = 2;
    assertEquals(outside.bytes[1], 2);
  }
  assertEquals(new Uint8Array(memory.buffer)[page], 0);
  assertEquals(outside.bytes[1], 2);
});

Deno.test("WasmMapping refuses ranges outside the memory", () => {
  using file = memfd(pageSize());
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const map = (offset: number, length: number) => () =>
    new WasmMapping(memory, offset, { fd: file.fd, length, protection: RW });
  assertThrows(map(1, 1), RangeError, "multiple");
  assertThrows(map(65536, 1), RangeError, "at most");
  assertThrows(map(0, 65537), RangeError, "at most");
  assertThrows(map(0, 0), RangeError);
  assertThrows(map(NaN, 1), RangeError);
  assert(new Uint8Array(memory.buffer).every((byte) => byte === 0));
});
