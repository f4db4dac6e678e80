import { createMap, MapType } from "ebpf-ts-loader";
import { SyscallError } from "ebpf-ts-loader/sys";
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
    return error instanceof SyscallError ? `bpf(2) answers ${error.code}` : String(error);
  }
}

const required = Deno.env.get("TWINPATH_REQUIRE_KERNEL") === "1";
const missing = required ? undefined : whatIsMissing();

/**
 * A test that needs BPF and must leave no descriptor open. Reported as ignored, with the reason,
 * where BPF cannot be used (with TWINPATH_REQUIRE_KERNEL=1 it then fails), or `unless` says why.
 */
export function kernelTest(
  name: string,
  body: () => void | Promise<void>,
  options: { unless?: string | undefined } = {},
): void {
  const reason = missing ?? options.unless;
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

/** A path in the BPF file system that no other test uses. */
export function uniqueBpffsPath(name: string): string {
  return `/sys/fs/bpf/${name}_${Deno.pid}_${crypto.randomUUID().slice(0, 8)}`;
}

function checkBpffs(): string | undefined {
  const path = uniqueBpffsPath("probe");
  try {
    Deno.mkdirSync(path);
    Deno.removeSync(path);
    return undefined;
  } catch (error) {
    return `no writable BPF file system: ${error instanceof Error ? error.message : error}`;
  }
}

/** Why nothing can be pinned here, or undefined if it can. */
export const bpffsMissing: string | undefined = required ? undefined : checkBpffs();

const CGROUPS = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];

/** The root of the cgroup v2 hierarchy, wherever it is mounted. */
function cgroupRoot(): string | undefined {
  return CGROUPS.find((path) => {
    try {
      return Deno.statSync(`${path}/cgroup.procs`).isFile &&
        Deno.statSync(`${path}/cgroup.controllers`).isFile;
    } catch {
      return false;
    }
  });
}

/** A cgroup (v2) of its own, empty; removed at the end. */
export interface TestCgroup extends Disposable {
  readonly path: string;
}

/** Makes a cgroup. */
export function mustMakeCgroup(): TestCgroup {
  const root = cgroupRoot();
  if (root === undefined) throw new Error('Cannot find "cgroup2": not mounted, expected a mount');
  const path = `${root}/loader_${Deno.pid}_${crypto.randomUUID().slice(0, 8)}`;
  Deno.mkdirSync(path);
  return { path, [Symbol.dispose]: () => Deno.removeSync(path) };
}

function checkCgroup(): string | undefined {
  try {
    mustMakeCgroup()[Symbol.dispose]();
    return undefined;
  } catch (error) {
    return `no writable cgroup2: ${error instanceof Error ? error.message : error}`;
  }
}

/** Why no cgroup can be made here, or undefined if one can. */
export const cgroupMissing: string | undefined = required ? undefined : checkCgroup();
