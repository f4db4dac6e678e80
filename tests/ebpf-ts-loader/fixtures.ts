import { type CollectionSpec, parseObject } from "ebpf-ts-loader";

/** The bytes of a committed fixture object. */
export function fixtureBytes(name: string): Uint8Array<ArrayBuffer> {
  return Deno.readFileSync(new URL(`./fixtures/${name}`, import.meta.url));
}

/** A fixture, parsed. */
export function fixture(name: string): CollectionSpec {
  return parseObject(fixtureBytes(name), name);
}
