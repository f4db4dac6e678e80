import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type BpfMap,
  createMap,
  loadCollection,
  loadProgram,
  type MapSpec,
  MapType,
  NotSupportedError,
  possibleCpus,
  UpdateFlag,
} from "ebpf-ts-loader";
import { createNetns, Fd, mustSyscall, open, openSocket, SyscallError } from "ebpf-ts-loader/sys";
import { fixture } from "../fixtures.ts";
import { cgroupMissing, kernelTest, mustMakeCgroup, packet } from "../kernel.ts";

function make(changes: Partial<MapSpec>): BpfMap {
  const spec = fixture("tc.bpf.o").maps.get("flows");
  assert(spec);
  const plain = { ...spec, name: "test", keyTypeId: 0, valueTypeId: 0 };
  return createMap({ ...plain, keySize: 4, valueSize: 4, ...changes });
}

const RAW_TRACEPOINT = 17;
const LOOPBACK = 1;
const bytes = (...values: number[]) => new Uint8Array(values);
const word = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);
const double = (value: bigint) => new Uint8Array(BigUint64Array.of(value).buffer);

kernelTest("BpfMap.push(), pop() and peek() work a queue and a stack", () => {
  using queue = make({ type: MapType.QUEUE, keySize: 0, maxEntries: 3 });
  using stack = make({ type: MapType.STACK, keySize: 0, maxEntries: 3 });
  for (const map of [queue, stack]) {
    assertEquals([map.pop(), map.peek()], [undefined, undefined]);
    for (const value of [1, 2, 3]) map.push(value);
    assertEquals(assertThrows(() => map.push(4), SyscallError).code, "E2BIG");
    map.push(word(4), UpdateFlag.EXIST);
  }
  assertEquals(queue.peek(), word(2), "the oldest one made room");
  assertEquals([queue.pop(), queue.pop(), queue.pop()], [word(2), word(3), word(4)]);
  assertEquals([stack.peek(), stack.pop(), stack.pop()], [word(4), word(4), word(3)]);
});

kernelTest("queues, stacks and bloom filters are shared with programs", () => {
  using collection = loadCollection(fixture("maps.bpf.o"), { only: ["take"] });
  for (const value of [1, 2, 3]) {
    collection.map("queue").push(value);
    collection.map("stack").push(value);
  }
  const bloom = collection.map("bloom");
  bloom.push(5);
  assertEquals(collection.program("take").testRun({ data: packet() }).returnValue, 0);
  assertEquals([5, 6, 7].map((value) => bloom.mayContain(value)), [true, false, true]);
  assertEquals(bloom.info().mapExtra, 3n);
});

kernelTest("BpfMap refuses operations that a type does not have", () => {
  using hash = make({});
  assertThrows(() => hash.push(1), TypeError, "HASH, expected QUEUE or STACK or BLOOM_FILTER");
  assertThrows(() => hash.pop(), TypeError, "expected QUEUE or STACK");
  assertThrows(() => hash.mayContain(1), TypeError, "expected BLOOM_FILTER");
  assertThrows(() => hash.lookupPerCpu(1), TypeError, "expected a per-CPU type");
  using queue = make({ type: MapType.QUEUE, keySize: 0 });
  assertThrows(() => queue.push(bytes(1)), RangeError, "1 bytes, expected 4");
  assertThrows(() => queue.lookup(1), RangeError, "expected 0 bytes");
});

kernelTest("BpfMap.lookupAndDelete() takes a value out of each hash type", () => {
  for (const type of [MapType.HASH, MapType.LRU_HASH]) {
    using map = make({ type });
    map.update(1, 7);
    assertEquals([map.lookupAndDelete(1), map.lookupAndDelete(1)], [word(7), undefined]);
    assertEquals(map.lookup(1), undefined);
  }
  using perCpu = make({ type: MapType.PERCPU_HASH, valueSize: 8 });
  const values = Array.from({ length: possibleCpus() }, (_, cpu) => double(BigInt(cpu + 1)));
  perCpu.updatePerCpu(9, values);
  const taken = perCpu.lookupAndDelete(9);
  assert(taken);
  assertEquals(perCpu.perCpuValues(taken), values);
  using array = make({ type: MapType.ARRAY });
  assertThrows(() => array.lookupAndDelete(0), NotSupportedError, "expected Linux 5.14");
});

for (const name of ["PERCPU_HASH", "PERCPU_ARRAY", "LRU_PERCPU_HASH"] as const) {
  kernelTest(`BpfMap.updatePerCpu() and lookupPerCpu() agree on a ${name}`, () => {
    using map = make({ type: MapType[name], valueSize: 12 });
    const values = Array.from(
      { length: possibleCpus() },
      (_, cpu) => new Uint8Array(12).fill(cpu + 1),
    );
    map.updatePerCpu(1, values);
    assertEquals(map.lookupPerCpu(1), values);
    assertThrows(() => map.updatePerCpu(1, values.slice(1)), RangeError, "expected");
    assertThrows(() => map.updatePerCpu(1, values.map(() => bytes(1))), RangeError, "of 1 bytes");
    assertEquals(map.type === MapType.PERCPU_ARRAY || map.lookupPerCpu(2) === undefined, true);
  });
}

kernelTest("BpfMap keeps values of sockets and tasks in local storage", () => {
  using collection = loadCollection(fixture("maps.bpf.o"), { only: ["of_socket", "of_task"] });
  using netns = createNetns();
  using socket = openSocket(4, "udp", { netns });
  using pidfd = new Fd(mustSyscall("pidfd_open", Deno.pid, 0));
  for (const [name, fd] of [["of_socket", socket.fd], ["of_task", pidfd.fd]] as const) {
    const map = collection.map(name);
    assertEquals(map.lookup(fd), undefined);
    map.update(fd, double(42n));
    assertEquals(map.lookup(fd), double(42n));
    assertEquals([map.delete(fd), map.delete(fd)], [true, false]);
  }
});

kernelTest("BpfMap keeps values of cgroups in local storage", () => {
  using collection = loadCollection(fixture("maps.bpf.o"), { only: ["of_cgroup"] });
  using cgroup = mustMakeCgroup();
  using folder = new Fd(open(cgroup.path));
  const map = collection.map("of_cgroup");
  map.update(folder.fd, double(42n));
  assertEquals(map.lookup(folder.fd), double(42n));
}, { unless: cgroupMissing });

kernelTest("stack traces are read by the id that a program got", () => {
  const spec = fixture("maps.bpf.o");
  const program = spec.programs.get("trace");
  const traces = spec.maps.get("traces");
  assert(program && traces);
  using map = createMap(traces);
  const maps = new Map([["traces", map]]);
  const raw = { ...program, type: RAW_TRACEPOINT, functionInfo: bytes(), lineInfo: bytes() };
  using loaded = loadProgram(raw, { license: spec.license, maps });
  const id = loaded.testRun({ ctx: new Uint8Array(8) }).returnValue;
  const frames = new BigUint64Array(map.lookup(id)?.buffer ?? new ArrayBuffer(0));
  assert((frames[0] ?? 0n) > 0xffff_0000_0000_0000n, "an address of the kernel");
  assertEquals([...map.keys()], [word(id)]);
});

kernelTest("socket maps take listening sockets and forget closed ones", () => {
  using netns = createNetns();
  const socket = openSocket(4, "tcp", { netns });
  socket.bind({ address: bytes(127, 0, 0, 1), port: 0 });
  socket.listen();
  using sockmap = make({ type: MapType.SOCKMAP, valueSize: 8 });
  using sockhash = make({ type: MapType.SOCKHASH, keySize: 6, valueSize: 8 });
  const key = bytes(1, 2, 3, 4, 5, 6);
  sockmap.update(3, double(BigInt(socket.fd)));
  sockhash.update(key, double(BigInt(socket.fd)));
  assertEquals(sockmap.lookup(3), sockhash.lookup(key), "the socket's cookie");
  assertEquals([...sockhash.keys()], [key]);
  socket[Symbol.dispose]();
  assertEquals([sockmap.lookup(3), sockhash.lookup(key)], [undefined, undefined]);
});

kernelTest("device and CPU maps take interface indexes and queue lengths", () => {
  using devmap = make({ type: MapType.DEVMAP });
  devmap.update(1, LOOPBACK);
  assertEquals(devmap.lookup(1), word(LOOPBACK));
  assertThrows(() => devmap.update(2, 0x7fff_ffff), SyscallError, "EINVAL");
  using hash = make({ type: MapType.DEVMAP_HASH });
  hash.update(77, LOOPBACK);
  assertEquals([...hash.entries()], [[word(77), word(LOOPBACK)]]);
  using cpumap = make({ type: MapType.CPUMAP, maxEntries: 1 });
  cpumap.update(0, 192);
  assertEquals(cpumap.lookup(0), word(192));
});

kernelTest("prog arrays take programs and give their ids", () => {
  using collection = loadCollection(fixture("tc.bpf.o"), { only: ["tail_target", "jumps"] });
  const program = collection.program("tail_target");
  const jumps = collection.map("jumps");
  jumps.updateSlot(0, program);
  assertEquals(jumps.lookup(0), word(program.info().id));
  assertEquals([jumps.delete(0), jumps.lookup(0)], [true, undefined]);
});

kernelTest("cgroup arrays take a cgroup", () => {
  using cgroup = mustMakeCgroup();
  using folder = new Fd(open(cgroup.path));
  using map = make({ type: MapType.CGROUP_ARRAY });
  map.update(0, folder.fd);
  assert(map.delete(0));
}, { unless: cgroupMissing });
