import { queryTcx } from "ebpf-ts-loader";
import { createNetns } from "ebpf-ts-loader/sys";

const LOOPBACK = 1;

function missingFeature(): string | undefined {
  try {
    using netns = createNetns();
    netns.run(() => queryTcx(LOOPBACK, "ingress"));
    return undefined;
  } catch (error) {
    if (Deno.env.get("TWINPATH_REQUIRE_KERNEL") === "1") throw error;
    return error instanceof Error ? error.message : String(error);
  }
}

const missing = missingFeature();

/**
 * A test that makes network namespaces and attaches programs by TCX. Where that cannot be done it
 * is reported as skipped, with the reason in its title, or fails where TWINPATH_REQUIRE_KERNEL=1
 * demands it.
 */
export function tcxTest(name: string, body: () => Promise<void>): void {
  if (missing === undefined) Deno.test(name, body);
  else Deno.test({ name: `${name} (skipped: ${missing})`, ignore: true, fn: body });
}
