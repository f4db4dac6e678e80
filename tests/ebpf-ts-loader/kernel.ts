import { createMap, MapType } from "ebpf-ts-loader";
import { fixture } from "./fixtures.ts";
import { withoutLeaks } from "./fd_leaks.ts";

/** Why BPF cannot be used here, or undefined if it can. */
function whatIsMissing(): string | undefined {
  const spec = fixture("tc.bpf.o").maps.get("counters");
  if (!spec) return "no fixture";
  try {
    createMap({ ...spec, type: MapType.ARRAY })[Symbol.dispose]();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const required = Deno.env.get("TWINPATH_REQUIRE_KERNEL") === "1";
const missing = required ? undefined : whatIsMissing();

/**
 * A test that needs BPF and must leave no descriptor open. Reported as ignored, with the reason,
 * where BPF cannot be used; with TWINPATH_REQUIRE_KERNEL=1 it then fails.
 */
export function kernelTest(
  name: string,
  body: () => void | Promise<void>,
  options: { unless?: string | undefined } = {},
): void {
  const reason = missing ?? (required ? undefined : options.unless);
  Deno.test({
    name: reason === undefined ? name : `${name} [skipped: ${reason}]`,
    ignore: reason !== undefined,
    fn: () => withoutLeaks(body),
  });
}

/** A packet of `length` bytes with an IPv4 ethertype. */
export function packet(length = 64): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  bytes.set([0x08, 0x00, 0x45], 12);
  return bytes;
}
