import { RESERVED } from "../identity/reserved.ts";

/** Identities of the packet table's node, by what they are there for. */
export const ROW_IDENTITY = {
  /** Of 24 bits: it takes all parts of a mark. */
  SUBJECT: 0x1a2c3d,
  PEER: 301,
  NOT_READY: 302,
  /** Its profile has an index line. */
  BUSY: 303,
  /** Its profile has two levels of index lines. */
  BUSIER: 304,
  /** Its entries lose or win against the broad ones in every way there is. */
  RIVAL: 305,
  /** Its profile fills one line. */
  FULL: 306,
  /** Its profile has an index line that is nearly full. */
  CROWDED: 307,
  /** The same, one level above. */
  BUSIEST: 308,
  /** Its slot is the last of the smallest images. */
  LAST: 309,
  /** The first slot that the smallest images have no cells for, and so on. */
  BEYOND: 310,
  LAST_OF_MEDIUM: 311,
  BEYOND_MEDIUM: 312,
  LAST_OF_LARGE: 313,
  /** One address inside a prefix of another identity. */
  INSIDE: 314,
  /** Of 24 bits, too. */
  LONG: 0x2b3b4c,
  /** Known, but without a slot. */
  SLOTLESS: 70000,
  SLOTLESS_CIDR: 1 << 24 | 5,
  SLOTLESS_NODE: 2 << 24 | 6,
  SLOTLESS_RESERVED: 200,
  /** Slots that only larger images have cells for. */
  FAR: 400,
  FARTHEST: 401,
  /** Of the prefix in the ipcache. */
  CIDR: 1 << 24 | 1,
  HOST: RESERVED.HOST,
  WORLD_ANY: RESERVED.WORLD,
  UNMANAGED: RESERVED.UNMANAGED,
  HEALTH: RESERVED.HEALTH,
  INIT: RESERVED.INIT,
  REMOTE_NODE: RESERVED.REMOTE_NODE,
  KUBE_APISERVER: RESERVED.KUBE_APISERVER,
  INGRESS: RESERVED.INGRESS,
  WORLD_IPV4: RESERVED.WORLD_IPV4,
  WORLD_IPV6: RESERVED.WORLD_IPV6,
  LAST_RESERVED: 255,
} as const;
