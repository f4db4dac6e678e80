/**
 * A shared object of about 500 bytes with one function, `raw_syscall(nr, a0..a5)`, which returns
 * what the kernel returned (−errno on failure). libc's `syscall()` leaves errno in thread-local
 * storage: useless for nonblocking FFI, whose thread is gone by the time JavaScript looks.
 *
 * ```
 *   0 ELF header    64 4 program headers    288 dynamic    384 symbols
 * 432 hash table   456 strings              472 code
 * ```
 */

/** Exported symbol of the object. */
export const THUNK_SYMBOL = "raw_syscall";

const DYNAMIC_OFF = 288;
const SYMBOLS_OFF = 384;
const HASH_OFF = 432;
const STRINGS_OFF = 456;
const CODE_OFF = 472;
// The same file bytes a second time, writable: glibc may relocate the dynamic section in place.
// 64 KiB is the largest page size of arm64.
const RW_ADDRESS = 0x10000;

const CODE: Readonly<Record<"x86_64" | "aarch64", string>> = {
  // mov rax,rdi; rdi,rsi; rsi,rdx; rdx,rcx; r10,r8; r8,r9; r9,[rsp+8]; syscall; ret
  x86_64: "4889f8 4889f7 4889d6 4889ca 4d89c2 4d89c8 4c8b4c2408 0f05 c3",
  // mov x8,x0; x0,x1; … x5,x6; svc 0; ret (little-endian words)
  aarch64: "e80300aa e00301aa e10302aa e20303aa e30304aa e40305aa e50306aa 010000d4 c0035fd6",
};

/** Builds the object for `arch`. Pure: no kernel, no FFI. */
export function thunkElf(arch: "x86_64" | "aarch64"): Uint8Array<ArrayBuffer> {
  const code = Uint8Array.from(
    CODE[arch].replaceAll(" ", "").match(/../g) ?? [],
    (byte) => parseInt(byte, 16),
  );
  const size = CODE_OFF + code.length;
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  const u16 = (at: number, value: number) => view.setUint16(at, value, true);
  const u32 = (at: number, value: number) => view.setUint32(at, value, true);
  const u64 = (at: number, value: number) => view.setBigUint64(at, BigInt(value), true);

  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  u16(16, 3); // ET_DYN
  u16(18, arch === "x86_64" ? 62 : 183);
  u32(20, 1);
  u64(32, 64); // e_phoff
  u16(52, 64);
  u16(54, 56);
  u16(56, 4);
  u16(58, 64);

  const segment = (
    index: number,
    type: number,
    flags: number,
    at: { offset: number; address: number; size: number; align: number },
  ) => {
    const header = 64 + index * 56;
    u32(header, type);
    u32(header + 4, flags);
    u64(header + 8, at.offset);
    u64(header + 16, at.address);
    u64(header + 24, at.address);
    u64(header + 32, at.size);
    u64(header + 40, at.size);
    u64(header + 48, at.align);
  };
  segment(0, 1, 5, { offset: 0, address: 0, size, align: 0x10000 });
  segment(1, 1, 6, { offset: 0, address: RW_ADDRESS, size, align: 0x10000 });
  segment(2, 2, 6, {
    offset: DYNAMIC_OFF,
    address: RW_ADDRESS + DYNAMIC_OFF,
    size: 96,
    align: 8,
  });
  segment(3, 0x6474e551, 6, { offset: 0, address: 0, size: 0, align: 16 }); // PT_GNU_STACK

  const strings = new TextEncoder().encode(`\0${THUNK_SYMBOL}\0`);
  const dynamic: readonly (readonly [number, number])[] = [
    [4, RW_ADDRESS + HASH_OFF],
    [5, RW_ADDRESS + STRINGS_OFF],
    [6, RW_ADDRESS + SYMBOLS_OFF],
    [10, strings.length],
    [11, 24],
  ];
  dynamic.forEach(([tag, value], index) => {
    u64(DYNAMIC_OFF + index * 16, tag);
    u64(DYNAMIC_OFF + index * 16 + 8, value);
  });

  const symbol = SYMBOLS_OFF + 24;
  u32(symbol, 1);
  bytes[symbol + 4] = 0x12; // global function
  u16(symbol + 6, 1); // any section but "undefined"
  u64(symbol + 8, CODE_OFF);
  u64(symbol + 16, code.length);

  [1, 2, 1, 0, 0].forEach((word, index) => u32(HASH_OFF + index * 4, word));
  bytes.set(strings, STRINGS_OFF);
  bytes.set(code, CODE_OFF);
  return bytes;
}
