import type { ByteOrder } from "../_reader.ts";
import { Decoder } from "./_decoder.ts";
import { Encoder } from "./_encoder.ts";
import { layoutName } from "./_layout_kinds.ts";
import type { TypeLayout } from "./layout.ts";

/**
 * A value of a C type in TypeScript:
 *
 * - integers of up to 32 bits, enums and floats are numbers, wider integers and pointers bigints
 *   (either is taken, and the name of an enumerator);
 * - `bool` is a boolean, `char[]` a string up to its NUL, `__u8[]` a `Uint8Array`;
 * - other arrays are arrays, structs and unions objects by member, those of anonymous members
 *   among them. A member left out is 0; of a union, members given together must agree.
 *
 * A `Uint8Array` of its size is taken for any type, as it is.
 */
export type BtfValue =
  | number
  | bigint
  | boolean
  | string
  | Uint8Array
  | readonly BtfValue[]
  | { readonly [member: string]: BtfValue };

/** What a value is for, for error messages, and how its numbers are stored. */
export interface ValueContext {
  /** What is being done: `set variable`. @default "encode" */
  readonly action?: string;
  /** Name of the whole. @default the type's */
  readonly subject?: string;
  /** Order of the bytes of numbers. @default "little" */
  readonly byteOrder?: ByteOrder;
}

/**
 * The bytes of a value. Throws `TypeError` for a wrong shape and for members that do not exist,
 * `RangeError` for numbers, texts and arrays that do not fit; both name the member.
 *
 * @example Usage
 * ```ts
 * import { encodeValue, parseObject } from "ebpf-ts-loader";
 * import { assertEquals } from "@std/assert";
 * const { btf } = parseObject(await Deno.readFile("tests/ebpf-ts-loader/fixtures/tc.bpf.o"));
 * const layout = btf?.structLayout("key");
 * const bytes = layout && encodeValue(layout, { address: 0x0100007f, protocol: 6, version: 2 });
 * assertEquals(bytes, new Uint8Array([127, 0, 0, 1, 0, 0, 6, 2 << 3]));
 * ```
 */
export function encodeValue(
  layout: TypeLayout,
  value: BtfValue,
  context: ValueContext = {},
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(layout.size);
  const { subject = layoutName(layout) } = context;
  new Encoder(bytes, context).write(layout, value, { bit: 0, path: subject });
  return bytes;
}

/**
 * The value that bytes stand for. Throws `RangeError` if they are not exactly the type's size.
 *
 * @example Usage
 * ```ts
 * import { decodeValue, parseObject } from "ebpf-ts-loader";
 * import { assertEquals } from "@std/assert";
 * const { btf } = parseObject(await Deno.readFile("tests/ebpf-ts-loader/fixtures/tc.bpf.o"));
 * const layout = btf?.structLayout("key");
 * assertEquals(layout && decodeValue(layout, new Uint8Array([127, 0, 0, 1, 0, 80, 6, 17])), {
 *   address: 0x0100007f,
 *   port: 0x5000,
 *   protocol: 6,
 *   flags: 1,
 *   version: 2,
 * });
 * ```
 */
export function decodeValue(
  layout: TypeLayout,
  bytes: Uint8Array,
  context: ValueContext = {},
): BtfValue {
  const { action = "decode", subject = layoutName(layout), byteOrder = "little" } = context;
  if (bytes.length !== layout.size) {
    throw new RangeError(
      `Cannot ${action} "${subject}": ${bytes.length} bytes, expected ${layout.size}`,
    );
  }
  return new Decoder(bytes, byteOrder).read(layout, 0);
}
