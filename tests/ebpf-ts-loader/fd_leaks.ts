import { AssertionError } from "@std/assert";
import {
  defaultEpoll,
  type FdOrigins,
  OPEN,
  open,
  pageSize,
  recordFdOrigins,
  SYS,
  syscall,
} from "ebpf-ts-loader/sys";

/** Open descriptors of this process and what they point at, without opening one itself. */
export function openFds(): Map<number, string> {
  const fds = new Map<number, string>();
  for (const entry of Deno.readDirSync("/proc/self/fd")) {
    try {
      fds.set(Number(entry.name), Deno.readLinkSync(`/proc/self/fd/${entry.name}`));
    } catch (error) {
      // The listing's own descriptor is gone by now.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return fds;
}

/** Loads what stays open for the life of the process, so that it does not count as a leak. */
function warmUp(): void {
  pageSize();
  defaultEpoll();
  syscall(SYS.close, open("/dev/null", OPEN.RDONLY));
}

function describe([fd, target]: readonly [number, string], origins: FdOrigins): string {
  const origin = origins.open().find((each) => each.fd === fd);
  return `fd ${fd} (${target}), made\n${origin?.stack ?? "    by something without an owner"}`;
}

/** Runs `body` and fails if it leaves a descriptor open, naming what it points at and its maker. */
export async function withoutLeaks(body: () => void | Promise<void>): Promise<void> {
  warmUp();
  using origins = recordFdOrigins();
  const before = openFds();
  await body();
  const leaked = [...openFds()].filter(([fd]) => !before.has(fd));
  if (leaked.length === 0) return;
  const list = leaked.map((each) => describe(each, origins)).join("\n");
  throw new AssertionError(`${leaked.length} file descriptors left open:\n${list}`);
}
