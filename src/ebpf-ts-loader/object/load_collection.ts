import type { CollectionSpec } from "../spec/collection_spec.ts";
import { Collection } from "./collection.ts";
import { type InstantiateOptions, prepare, type PrepareOptions } from "./template.ts";

/** Options of {@linkcode loadCollection}. */
export interface LoadCollectionOptions
  extends PrepareOptions, Pick<InstantiateOptions, "variables"> {}

/**
 * Creates the maps of a specification and loads its programs. The caller owns the collection. If
 * anything fails, nothing stays open.
 *
 * Throws {@linkcode VerifierError}, {@linkcode MismatchError} (a replacement or pinned map that is
 * not as specified), {@linkcode ObjectFormatError} (BTF the kernel refuses) or `SyscallError`.
 *
 * @example Usage
 * ```ts
 * import { loadCollection, parseObject } from "ebpf-ts-loader";
 * async function run(path: string, packet: Uint8Array): Promise<number> {
 *   const spec = parseObject(await Deno.readFile(path), path);
 *   using collection = loadCollection(spec, { variables: { config_endpoint_id: 7 } });
 *   return collection.program("from_container").testRun({ data: packet }).returnValue;
 * }
 * ```
 */
export function loadCollection(
  spec: CollectionSpec,
  options: LoadCollectionOptions = {},
): Collection {
  using stack = new DisposableStack();
  const template = stack.use(prepare(spec, options));
  const { variables = {} } = options;
  const loaded = stack.use(template.instantiate({ variables }));
  return new Collection(loaded.maps, loaded.programs, stack.move(), loaded.variables);
}
