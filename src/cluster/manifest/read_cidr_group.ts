import type { CiliumCidrGroup } from "../object.ts";
import type { Cursor } from "./cursor.ts";
import { readMetadata } from "./metadata.ts";
import { readPrefix } from "./read_cidr.ts";
import type { Schema } from "./schema.ts";

const CIDR_GROUP_SPEC: Schema = { externalCIDRs: {} };

/** Fields of a CiliumCIDRGroup (`cilium.io/v2`, `cilium.io/v2alpha1`). */
export const CIDR_GROUP_SCHEMA: Schema = {
  apiVersion: {},
  kind: {},
  metadata: {},
  spec: { fields: CIDR_GROUP_SPEC },
  status: {},
};

/** Reads a CiliumCIDRGroup. It says what is allowed, so nothing of it is read over. */
export function readCidrGroup(object: Cursor): CiliumCidrGroup {
  const { location } = object;
  const entries = object.entries();
  const { name, labels } = readMetadata("CiliumCIDRGroup", object, entries.get("metadata"));
  const spec = object.known(entries, CIDR_GROUP_SCHEMA).get("spec") ??
    object.fail("has no spec", "spec");
  const list = spec.fields(CIDR_GROUP_SPEC).get("externalCIDRs") ??
    spec.fail("has no externalCIDRs", "externalCIDRs");
  return { kind: "CiliumCIDRGroup", name, labels, cidrs: list.items().map(readPrefix), location };
}
