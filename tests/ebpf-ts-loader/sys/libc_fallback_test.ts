import { assertEquals } from "@std/assert";

Deno.test("libc fallback returns −errno like the thunk", async () => {
  const module = new URL("../../../src/ebpf-ts-loader/sys/syscall.ts", import.meta.url).href;
  // A process of its own: the choice is made once per process.
  const script = `
    import { syscall, syscall64, defineSyscall, useLibcSyscall } from ${JSON.stringify(module)};
    useLibcSyscall();
    const close = defineSyscall("close", ["i32"]);
    console.log(JSON.stringify([syscall(3, -1) < 0, Number(syscall64(3)) < 1, close(-1)]));`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-lock", script],
  }).output();
  assertEquals(JSON.parse(new TextDecoder().decode(stdout)), [true, true, -9]);
});
