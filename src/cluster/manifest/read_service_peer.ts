import type { ServicePeer } from "../rule_peer.ts";
import type { Cursor } from "./cursor.ts";
import { readNamespaceName } from "./metadata.ts";
import { onlyField } from "./only_field.ts";
import { optional } from "./presence.ts";
import { LABEL_SELECTOR_SCHEMA, readPlainSelector } from "./read_label_selector.ts";
import type { Schema } from "./schema.ts";

const NAMED_SCHEMA: Schema = { serviceName: {}, namespace: {} };
const SELECTOR_SCHEMA: Schema = { selector: { fields: LABEL_SELECTOR_SCHEMA }, namespace: {} };

/** Fields of one item of `toServices`. */
export const SERVICE_PEER_SCHEMA: Schema = {
  k8sService: { fields: NAMED_SCHEMA },
  k8sServiceSelector: { fields: SELECTOR_SCHEMA },
};

/** Reads an item of `toServices`. */
export function readServicePeer(field: Cursor): ServicePeer {
  const fields = field.fields(SERVICE_PEER_SCHEMA);
  const [name, found] = onlyField(field, fields, ["k8sService", "k8sServiceSelector"]);
  if (name === "k8sService") return readNamed(found);
  const inner = found.fields(SELECTOR_SCHEMA);
  const selector = inner.get("selector") ?? found.fail("has no selector", "selector");
  return { selector: readPlainSelector(selector), ...readNamespace(inner) };
}

function readNamed(field: Cursor): ServicePeer {
  const fields = field.fields(NAMED_SCHEMA);
  const name = fields.get("serviceName") ?? field.fail("has no serviceName", "serviceName");
  const serviceName = name.string();
  if (serviceName === "") name.fail("is empty", "the name of a service");
  return { serviceName, ...readNamespace(fields) };
}

function readNamespace(fields: ReadonlyMap<string, Cursor>): { namespace?: string } {
  const field = fields.get("namespace");
  // Go clients write an absent namespace as an empty one.
  if (field === undefined || field.string() === "") return {};
  return optional("namespace", readNamespaceName(field));
}
