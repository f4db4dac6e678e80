import { stringify } from "yaml";

/** A JSON value. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json };

/** A Kubernetes object as JSON. */
export interface Manifest {
  readonly [key: string]: Json;
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly [key: string]: Json };
}

/** Prints manifests as a multi-document YAML file, so that a failing case can be tried by hand. */
export function toYaml(manifests: readonly Manifest[]): string {
  return manifests.map((manifest) => stringify(manifest, { aliasDuplicateObjects: false }))
    .join("---\n");
}
