import { assertEquals } from "@std/assert";
import { OPEN, open, pageSize, SYS, syscall } from "ebpf-ts-loader/sys";

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
  syscall(SYS.close, open("/dev/null", OPEN.RDONLY));
}

/** Runs `body` and fails if it leaves a descriptor open, naming what it points at. */
export async function withoutLeaks(body: () => void | Promise<void>): Promise<void> {
  warmUp();
  const before = openFds();
  await body();
  const leaked = [...openFds()].filter(([fd]) => !before.has(fd));
  assertEquals(leaked, [], "file descriptors left open");
}
