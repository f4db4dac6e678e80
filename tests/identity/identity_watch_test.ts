import { assertEquals, assertRejects } from "@std/assert";
import type { IdentityAllocator, IdentityEvent } from "../../src/identity/allocator.ts";
import type { Identity } from "../../src/identity/identity.ts";
import { type IdentityNews, IdentityWatch } from "../../src/identity/identity_watch.ts";
import { labelsOf } from "../../src/identity/label.ts";

/** An allocator of which only the watch is used, driven by the test. */
class WatchOnly implements IdentityAllocator {
  tell: (events: readonly IdentityEvent[]) => void = () => {};
  allocate(): Promise<Identity> {
    return Promise.reject(new TypeError("not used"));
  }
  release(): Promise<void> {
    return Promise.reject(new TypeError("not used"));
  }
  watch(listener: (events: readonly IdentityEvent[]) => void): () => void {
    this.tell = listener;
    return () => this.tell = () => {};
  }
}

function identity(id: number, org: string): Identity {
  return { id, labels: labelsOf([{ source: "k8s", key: "org", value: org }]) };
}

Deno.test("IdentityWatch passes on what is new, once", () => {
  const allocator = new WatchOnly();
  const news: IdentityNews[] = [];
  using watch = new IdentityWatch(allocator, (n) => news.push(n));
  const x = identity(256, "x");
  allocator.tell([{ type: "added", identity: x }, { type: "added", identity: x }]);
  allocator.tell([{ type: "added", identity: x }]);
  assertEquals(news.splice(0), [{ added: [x], deleted: [] }]);
  // Deleted and added again in one batch: in the end it is there, under other labels.
  const y = identity(256, "y");
  allocator.tell([{ type: "deleted", identity: x }, { type: "added", identity: y }]);
  assertEquals(news.splice(0), [{ added: [y], deleted: [256] }]);
  // The deletion of x comes once more, late.
  allocator.tell([{ type: "deleted", identity: x }]);
  assertEquals(news, []);
  assertEquals([...watch.known.values()], [y]);
});

Deno.test("IdentityWatch.seen() waits for the watch", async () => {
  const allocator = new WatchOnly();
  using watch = new IdentityWatch(allocator, () => {});
  const x = identity(256, "x");
  const seen = [watch.seen(x), watch.seen(x)];
  allocator.tell([{ type: "added", identity: x }]);
  await Promise.all([...seen, watch.seen(x)]);
});

Deno.test("IdentityWatch.seen() gives up when it is aborted", async () => {
  using watch = new IdentityWatch(new WatchOnly(), () => {});
  const abort = new AbortController();
  const seen = watch.seen(identity(256, "x"), abort.signal);
  abort.abort(new Error("stop"));
  await assertRejects(() => seen, Error, "stop");
});
