import { conntrack4, conntrack6 } from "./conntrack";
import {
  CT4_KEY_SIZE,
  CT6_KEY_SIZE,
  CT_ENTRY_EXPIRES_OFF,
  CT_ENTRY_FLAGS_OFF,
  CT_ENTRY_SIZE,
  CT_EXPIRED_CLOSED,
  CT_EXPIRED_IDLE,
  CT_EXPIRED_UNANSWERED,
  CT_EXPIRY_COUNT,
  CT_FORWARD_CLOSING,
  CT_REPLY_CLOSING,
  CT_SEEN_REPLY,
} from "./layout";
import { removeAt, Table } from "./table";

/*
 * Removes the flows whose lifetime is over, and counts what they last were: what
 * src/datapath/conntrack_collection.ts does to the kernel's maps.
 */

/** u32 by CT_EXPIRED_*: entries removed by the last collection. */
const counts: usize = memory.data(16, 16);

function expiryOf(flags: u32): u32 {
  const closing = CT_FORWARD_CLOSING | CT_REPLY_CLOSING;
  if ((flags & closing) == closing) return CT_EXPIRED_CLOSED;
  return flags & CT_SEEN_REPLY ? CT_EXPIRED_IDLE : CT_EXPIRED_UNANSWERED;
}

function collect(table: Table, keySize: usize, now: u32): void {
  // Downwards: the entry that moves into a gap has been looked at.
  for (let position = table.count; position-- > 0;) {
    const entry = table.values + <usize>position * CT_ENTRY_SIZE;
    if (load<u32>(entry, CT_ENTRY_EXPIRES_OFF) > now) continue;
    const count = counts + (<usize>expiryOf(<u32>load<u8>(entry, CT_ENTRY_FLAGS_OFF)) << 2);
    store<u32>(count, load<u32>(count) + 1);
    removeAt(table, position, keySize, CT_ENTRY_SIZE);
  }
}

/** Removes what has expired at `now`, in seconds. Returns the address of the counts. */
export function collectConntrack(now: u32): usize {
  memory.fill(counts, 0, <usize>CT_EXPIRY_COUNT << 2);
  collect(conntrack4(), CT4_KEY_SIZE, now);
  collect(conntrack6(), CT6_KEY_SIZE, now);
  return counts;
}
