import { assertEquals, assertRejects } from "@std/assert";
import { labelsOf } from "../../src/identity/label.ts";
import { LocalAllocator } from "../../src/identity/local_allocator.ts";

function org(value: string) {
  return labelsOf([{ source: "k8s", key: "org", value }]);
}

Deno.test("LocalAllocator gives equal labels one number, from 256 up", async () => {
  const allocator = new LocalAllocator();
  const [x, y, again] = await Promise.all(["x", "y", "x"].map((v) => allocator.allocate(org(v))));
  assertEquals([x?.id, y?.id, again?.id], [256, 257, 256]);
});

Deno.test("LocalAllocator tells of the first reference and of the last", async () => {
  const allocator = new LocalAllocator();
  const told: string[] = [];
  const first = await allocator.allocate(org("x"));
  const end = allocator.watch((events) => {
    for (const { type, identity } of events) told.push(`${type} ${identity.id}`);
  });
  const second = await allocator.allocate(org("x"));
  await allocator.release(first);
  assertEquals(told, ["added 256"]);
  await allocator.release(second);
  assertEquals(told, ["added 256", "deleted 256"]);
  end();
  await allocator.allocate(org("y"));
  assertEquals(told.length, 2);
});

Deno.test("LocalAllocator reuses a number as late as it can", async () => {
  const allocator = new LocalAllocator({ last: 258 });
  const x = await allocator.allocate(org("x"));
  await allocator.release(x);
  assertEquals((await allocator.allocate(org("y"))).id, 257);
  assertEquals((await allocator.allocate(org("z"))).id, 258);
  assertEquals((await allocator.allocate(org("x"))).id, 256);
  await assertRejects(() => allocator.allocate(org("w")), RangeError, "all 3 numbers in use");
});

Deno.test("LocalAllocator refuses to release what is not held", async () => {
  const allocator = new LocalAllocator();
  const x = await allocator.allocate(org("x"));
  await allocator.release(x);
  await assertRejects(() => allocator.release(x), TypeError, "not allocated");
});

Deno.test("LocalAllocator.allocate() holds no reference when it is aborted", async () => {
  const allocator = new LocalAllocator();
  const reason = new Error("stop");
  await assertRejects(() => allocator.allocate(org("x"), AbortSignal.abort(reason)), Error, "stop");
  assertEquals((await allocator.allocate(org("y"))).id, 256);
});
