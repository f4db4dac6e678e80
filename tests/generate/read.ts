import type { ClusterObject } from "../../src/cluster/object.ts";
import { readObjects } from "../../src/cluster/read_objects.ts";
import type { Manifest } from "./manifest.ts";

/** Reads manifests in YAML, one text after the other; a manifest that is refused is an error. */
export function readAll(texts: readonly string[]): readonly ClusterObject[] {
  const inputs = texts.map((text, i) => ({ name: `manifest ${i}`, text }));
  const { objects, errors } = readObjects(inputs, { notYet: new Set() });
  const [first] = errors;
  if (first !== undefined) throw first;
  return objects;
}

/** Reads manifests that were generated. */
export function readManifests(manifests: readonly Manifest[]): readonly ClusterObject[] {
  return readAll([JSON.stringify({ apiVersion: "v1", kind: "List", items: manifests })]);
}
