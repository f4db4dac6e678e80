import { assertEquals, assertRejects } from "@std/assert";
import { readStream } from "../../src/cli/read_capture_file.ts";

/** A stream of chunks that then stays open, or ends. */
function streamOf(chunks: readonly Uint8Array[], ends: boolean): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      if (ends) controller.close();
    },
  });
}

const CHUNKS = [Uint8Array.of(1, 2), Uint8Array.of(3)];

Deno.test("readStream() reads chunks to the end", async () => {
  assertEquals(await readStream(streamOf(CHUNKS, true)), Uint8Array.of(1, 2, 3));
});

Deno.test("readStream() refuses what is longer than it may be", async () => {
  assertEquals(await readStream(streamOf(CHUNKS, true), { most: 3 }), Uint8Array.of(1, 2, 3));
  await assertRejects(
    () => readStream(streamOf(CHUNKS, false), { most: 2 }),
    RangeError,
    "more, expected at most 2 bytes",
  );
});

Deno.test("readStream() takes what is there when a signal ends a stream that does not", async () => {
  const end = new AbortController();
  const read = readStream(streamOf(CHUNKS, false), { end: end.signal });
  end.abort();
  assertEquals(await read, Uint8Array.of(1, 2, 3));
});
