import { createNetns } from "ebpf-ts-loader/sys";

function missingPrivilege(): string | undefined {
  try {
    createNetns()[Symbol.dispose]();
    return undefined;
  } catch (error) {
    if (Deno.env.get("TWINPATH_REQUIRE_KERNEL") === "1") throw error;
    return error instanceof Error ? error.message : String(error);
  }
}

const missing = missingPrivilege();

/**
 * A test that makes network namespaces. Without the privilege it is reported as skipped, with the
 * reason in its title, or fails where TWINPATH_REQUIRE_KERNEL=1 demands it.
 */
export function netnsTest(name: string, body: () => void | Promise<void>): void {
  if (missing === undefined) Deno.test(name, body);
  else Deno.test({ name: `${name} (skipped: ${missing})`, ignore: true, fn: body });
}
