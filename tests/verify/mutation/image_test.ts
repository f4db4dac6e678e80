import { assertEquals, assertNotEquals } from "@std/assert";
import { type MergeMode } from "../../../src/datapath/image_builder.ts";
import { DatapathMemory } from "../../../src/datapath/datapath_memory.ts";
import { readEmulatorWasm } from "../../../src/datapath/emulator_file.ts";
import { lookup } from "../../../src/policy/lookup.ts";
import { packetKeysAround } from "../../../src/verify/mutation/image_keys.ts";
import { usedImageBytes } from "../../../src/verify/mutation/image_mutant.ts";
import { ImageReader } from "../../../src/verify/mutation/image_reader.ts";
import { ROW_NODE } from "../../../src/verify/row_node.ts";
import { ROW_POLICY } from "../../../src/verify/row_policies.ts";

const SLOTS = ROW_NODE.identities.map(({ slot }) => slot);
const DIRECTIONS = ["ingress", "egress"] as const;

async function mustBuild(mergeMode: MergeMode, number: number) {
  const memory = new DatapathMemory(await readEmulatorWasm(), { mergeMode });
  memory.load(ROW_NODE);
  const image = memory.images.get(number)?.bytes;
  const policy = ROW_NODE.policies.find((p) => p.number === number);
  if (image === undefined || policy === undefined) throw new Error(`Cannot find ${number}`);
  return { image, policy };
}

for (const mergeMode of ["merged", "unmerged"] as const) {
  Deno.test(`ImageReader reads ${mergeMode} profiles as the reference lookup reads the map state`, async () => {
    const { image, policy } = await mustBuild(mergeMode, ROW_POLICY.SMALL);
    const reader = new ImageReader(image);
    const keys = packetKeysAround([image], SLOTS);
    for (const { identity, slot } of ROW_NODE.identities) {
      for (const [number, direction] of DIRECTIONS.entries()) {
        for (const key of keys) {
          const found = lookup(policy.mapState, identity, direction, key >>> 16, key & 0xffff);
          const entry = "entry" in found ? found.entry : undefined;
          const [, cookie] = reader.lookup(number as 0 | 1, slot, key).split(" ");
          assertEquals(Number(cookie), entry?.cookie ?? 0);
        }
      }
    }
  });
}

Deno.test("usedImageBytes() lists every byte once, inside the image", async () => {
  const { image } = await mustBuild("unmerged", ROW_POLICY.SMALL);
  const offsets = usedImageBytes(image, SLOTS).map(({ offset }) => offset);
  assertEquals(new Set(offsets).size, offsets.length);
  assertEquals(offsets.filter((offset) => offset < 0 || offset >= image.length), []);
});

Deno.test("usedImageBytes() misses no byte that a lookup depends on", async () => {
  const { image } = await mustBuild("unmerged", ROW_POLICY.SMALL);
  const used = new Set(usedImageBytes(image, SLOTS).map(({ offset }) => offset));
  const keys = packetKeysAround([image], SLOTS).filter((_, i) => i % 7 === 0);
  const answers = (reader: ImageReader) =>
    SLOTS.flatMap((slot) =>
      keys.flatMap((key) => [reader.lookup(0, slot, key), reader.lookup(1, slot, key)])
    ).join();
  const before = answers(new ImageReader(image));
  const others = [...image.keys()].filter((offset) => offset >= 64 && !used.has(offset));
  for (const offset of others.filter((_, i) => i % 1500 === 0)) {
    const copy = image.slice();
    copy[offset] = (copy[offset] ?? 0) ^ 1;
    assertEquals(answers(new ImageReader(copy)) === before, true, `byte ${offset}`);
  }
  assertNotEquals(used.size, 0);
});
