import {
  IMAGE_CELLS_LINE,
  IMAGE_CELLS_PER_LINE,
  IMAGE_HEADER_BLOCKS_OFF,
  IMAGE_HEADER_BROAD_BLOCK_OFF,
  IMAGE_HEADER_ENTRIES_OFF,
  IMAGE_HEADER_SLOTS_OFF,
  IMAGE_HEADER_USED_BLOCKS_OFF,
  IMAGE_HEADER_USED_ENTRIES_OFF,
  IMAGE_L_ENTRIES,
  IMAGE_L_LINES,
  IMAGE_L_SLOTS,
  IMAGE_L_TABLES,
  IMAGE_LINE_BYTES,
  IMAGE_M_TABLES,
  IMAGE_S_TABLES,
  MAX_ENDPOINTS,
  MAX_IDENTITIES,
  MAX_IPCACHE,
  MAX_POLICIES,
} from "../datapath/layout.ts";
import type { ImageClass, PolicyImage } from "../datapath/image_builder.ts";
import { FIRST_DYNAMIC_SLOT } from "../identity/slot.ts";
import type { PolicySnapshot } from "../policy/snapshot.ts";

/** How much of something is in use. */
export interface Pressure {
  readonly name: string;
  readonly used: number;
  readonly limit: number;
}

/** How a policy is laid out in a datapath. */
export interface ImageUse {
  readonly sizeClass: ImageClass;
  readonly bytes: number;
  /** Different profiles, those of peers without entries of their own included. */
  readonly profiles: number;
  /** Against the limits of its size class; past them the next class is taken. */
  readonly pressure: readonly Pressure[];
  /** Against the limits of the largest class; past them the policy does not fit. */
  readonly limit: readonly Pressure[];
}

/** Returns how full an image is. */
export function imageUse(image: PolicyImage): ImageUse {
  const { bytes } = image;
  const header = new DataView(bytes.buffer, bytes.byteOffset, IMAGE_LINE_BYTES);
  const field = (offset: number) => header.getUint32(offset, true);
  const slots = field(IMAGE_HEADER_SLOTS_OFF);
  const profiles = new Set([
    header.getUint16(IMAGE_HEADER_BROAD_BLOCK_OFF, true),
    header.getUint16(IMAGE_HEADER_BROAD_BLOCK_OFF + 2, true),
  ]);
  let lastSlot = FIRST_DYNAMIC_SLOT - 1;
  const cells = new Uint16Array(
    bytes.buffer,
    bytes.byteOffset + IMAGE_CELLS_LINE * IMAGE_LINE_BYTES,
    2 * slots,
  );
  for (const [i, cell] of cells.entries()) {
    if (cell === 0) continue;
    profiles.add(cell);
    lastSlot = Math.max(lastSlot, i % slots);
  }
  const [entries, blocks] = [
    field(IMAGE_HEADER_USED_ENTRIES_OFF),
    field(IMAGE_HEADER_USED_BLOCKS_OFF),
  ];
  return {
    sizeClass: image.sizeClass,
    bytes: bytes.length,
    profiles: profiles.size,
    pressure: [
      { name: "entries", used: entries, limit: field(IMAGE_HEADER_ENTRIES_OFF) },
      { name: "profile blocks", used: blocks, limit: field(IMAGE_HEADER_BLOCKS_OFF) },
      { name: "slots", used: lastSlot + 1, limit: slots },
    ],
    limit: [
      { name: "entries", used: entries, limit: IMAGE_L_ENTRIES },
      { name: "profile blocks", used: blocks, limit: LARGEST_BLOCKS },
      { name: "slots", used: lastSlot + 1, limit: IMAGE_L_SLOTS },
    ],
  };
}

/** Lines of an image are cells, entries (4 a line) and blocks of two lines. */
const LARGEST_BLOCKS = Math.floor(
  (IMAGE_L_LINES - IMAGE_CELLS_LINE - 2 * IMAGE_L_SLOTS / IMAGE_CELLS_PER_LINE -
    IMAGE_L_ENTRIES / 4) / 2,
);

const TABLES: Readonly<Record<ImageClass, number>> = {
  S: IMAGE_S_TABLES,
  M: IMAGE_M_TABLES,
  L: IMAGE_L_TABLES,
};

/**
 * Returns how full a node's tables would be if every pod of the cluster ran on it: the most
 * that any node can need.
 */
export function nodePressure(
  snapshot: PolicySnapshot,
  images: Iterable<ImageUse>,
): Pressure[] {
  const { identities, ipcache, endpoints, policies } = snapshot;
  const slots = identities.reduce((most, { slot = 0 }) => Math.max(most, slot), 0);
  const tables: Record<ImageClass, number> = { S: 0, M: 0, L: 0 };
  for (const { sizeClass } of images) tables[sizeClass]++;
  return [
    // Number 0 is nobody's.
    { name: "endpoints", used: endpoints.length, limit: MAX_ENDPOINTS - 1 },
    { name: "policies", used: policies.length, limit: MAX_POLICIES - 1 },
    { name: "identities", used: identities.length, limit: MAX_IDENTITIES },
    { name: "slots", used: slots + 1, limit: IMAGE_L_SLOTS },
    { name: "addresses", used: ipcache.length, limit: MAX_IPCACHE },
    ...(["S", "M", "L"] as const).map((sizeClass) => ({
      name: `images of class ${sizeClass}`,
      used: tables[sizeClass],
      limit: TABLES[sizeClass] - 1,
    })),
  ];
}
