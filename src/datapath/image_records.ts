import type { MapStateEntry } from "../policy/map_state.ts";
import {
  DIRECTION_EGRESS,
  DIRECTION_INGRESS,
  MAP_STATE_ENTRY_AUTH_TYPE_OFF,
  MAP_STATE_ENTRY_COOKIE_OFF,
  MAP_STATE_ENTRY_DIRECTION_OFF,
  MAP_STATE_ENTRY_IDENTITY_OFF,
  MAP_STATE_ENTRY_PAD2_OFF,
  MAP_STATE_ENTRY_PAD3_OFF,
  MAP_STATE_ENTRY_PAD_OFF,
  MAP_STATE_ENTRY_PORT_OFF,
  MAP_STATE_ENTRY_PORT_PREFIX_OFF,
  MAP_STATE_ENTRY_PRECEDENCE_OFF,
  MAP_STATE_ENTRY_PROTOCOL_OFF,
  MAP_STATE_ENTRY_REDIRECT_OFF,
  MAP_STATE_ENTRY_SIZE,
  MAP_STATE_ENTRY_SLOT_OFF,
  MAP_STATE_ENTRY_VERDICT_OFF,
  VERDICT_ALLOW,
  VERDICT_DENY,
  VERDICT_REDIRECT,
} from "./layout.ts";

const VERDICTS = { allow: VERDICT_ALLOW, deny: VERDICT_DENY, redirect: VERDICT_REDIRECT } as const;

/** Bytes that the records of so many entries take. */
export function recordBytes(entries: number): number {
  return entries * MAP_STATE_ENTRY_SIZE;
}

function requireRange(value: number, max: number, field: string, index: number): void {
  if (Number.isInteger(value) && value >= 0 && value <= max) return;
  throw new RangeError(
    `Cannot encode map state entry "${index}": ${field} is ${value}, expected 0 to ${max}`,
  );
}

/**
 * Writes entries as `struct map_state_entry`, the image builder's input.
 *
 * @param view The memory.
 * @param address Where the first record goes.
 * @param slotOf Slot of an identity; 0 if it has none.
 * @throws {RangeError} If a number does not fit its field: it must not be cut off silently.
 */
export function writeRecords(
  view: DataView,
  address: number,
  entries: readonly MapStateEntry[],
  slotOf: (identity: number) => number,
): void {
  let at = address;
  for (const [index, entry] of entries.entries()) {
    requireRange(entry.identity, 0xFFFFFFFF, "identity", index);
    requireRange(entry.port, 0xFFFF, "port", index);
    requireRange(entry.portPrefix, 16, "portPrefix", index);
    requireRange(entry.protocol, 255, "protocol", index);
    requireRange(entry.authType, 255, "authType", index);
    requireRange(entry.precedence, 0xFFFFFFFF, "precedence", index);
    requireRange(entry.cookie, 0xFFFFFFFF, "cookie", index);
    requireRange(entry.redirect ?? 0, 0xFFFF, "redirect", index);
    const ingress = entry.direction === "ingress";
    view.setUint32(at + MAP_STATE_ENTRY_IDENTITY_OFF, entry.identity, true);
    view.setUint32(at + MAP_STATE_ENTRY_SLOT_OFF, slotOf(entry.identity), true);
    view.setUint16(at + MAP_STATE_ENTRY_PORT_OFF, entry.port, true);
    view.setUint8(at + MAP_STATE_ENTRY_PORT_PREFIX_OFF, entry.portPrefix);
    view.setUint8(at + MAP_STATE_ENTRY_PROTOCOL_OFF, entry.protocol);
    view.setUint8(
      at + MAP_STATE_ENTRY_DIRECTION_OFF,
      ingress ? DIRECTION_INGRESS : DIRECTION_EGRESS,
    );
    view.setUint8(
      at + MAP_STATE_ENTRY_VERDICT_OFF,
      VERDICTS[entry.verdict],
    );
    view.setUint8(at + MAP_STATE_ENTRY_AUTH_TYPE_OFF, entry.authType);
    view.setUint8(at + MAP_STATE_ENTRY_PAD_OFF, 0);
    view.setUint16(at + MAP_STATE_ENTRY_REDIRECT_OFF, entry.redirect ?? 0, true);
    view.setUint16(at + MAP_STATE_ENTRY_PAD2_OFF, 0, true);
    view.setUint32(at + MAP_STATE_ENTRY_PRECEDENCE_OFF, entry.precedence, true);
    view.setUint32(at + MAP_STATE_ENTRY_COOKIE_OFF, entry.cookie, true);
    view.setUint32(at + MAP_STATE_ENTRY_PAD3_OFF, 0, true);
    at += MAP_STATE_ENTRY_SIZE;
  }
}
