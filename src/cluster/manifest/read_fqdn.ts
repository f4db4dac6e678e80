import type { FqdnSelector } from "../rule_peer.ts";
import type { Cursor } from "./cursor.ts";
import { onlyField } from "./only_field.ts";
import type { Schema } from "./schema.ts";

/** Fields of one item of `toFQDNs` and `rules.dns`. */
export const FQDN_SCHEMA: Schema = { matchName: {}, matchPattern: {} };

const NAME = /^[-a-zA-Z0-9_.]+$/;
const PATTERN = /^[-a-zA-Z0-9_.*]+$/;
const MAX_LENGTH = 255;

/**
 * Reads an item of `toFQDNs`: a name or a pattern, not both (cilium/cilium
 * pkg/policy/api/fqdn.go, FQDNSelector).
 */
export function readFqdnSelector(field: Cursor): FqdnSelector {
  const fields = field.fields(FQDN_SCHEMA);
  const [name, found] = onlyField(field, fields, ["matchName", "matchPattern"]);
  return name === "matchName"
    ? { matchName: readName(found) }
    : { matchPattern: readPattern(found) };
}

/** Reads an item of `rules.dns`. It may hold a name and a pattern: either one lets through. */
export function readDnsRule(field: Cursor): FqdnSelector[] {
  const fields = field.fields(FQDN_SCHEMA);
  const name = fields.get("matchName");
  const pattern = fields.get("matchPattern");
  if (name === undefined && pattern === undefined) {
    field.fail("has neither matchName nor matchPattern", "one of matchName, matchPattern");
  }
  return [
    ...(name === undefined ? [] : [{ matchName: readName(name) }]),
    ...(pattern === undefined ? [] : [{ matchPattern: readPattern(pattern) }]),
  ];
}

function readName(field: Cursor): string {
  const name = field.string();
  if (name.includes("*")) {
    field.fail(`is ${JSON.stringify(name)}`, "a name without *", "matchPattern");
  }
  return readChecked(field, name, NAME, "letters, digits, -, _ and .");
}

function readPattern(field: Cursor): string {
  return readChecked(field, field.string(), PATTERN, "letters, digits, -, _, . and *");
}

function readChecked(field: Cursor, text: string, allowed: RegExp, what: string): string {
  if (text.length > MAX_LENGTH) {
    field.fail(`has ${text.length} characters`, `at most ${MAX_LENGTH}`);
  }
  // Two dots in a row would be an empty label, which no name has.
  if (allowed.test(text) && !text.includes("..") && text !== ".") return text;
  field.fail(`is ${JSON.stringify(text)}`, `a DNS name of ${what}`);
}
