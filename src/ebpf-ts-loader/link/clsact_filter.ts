import { NotSupportedError } from "../errors.ts";
import {
  addClsact,
  type BpfFilter,
  deleteBpfFilter,
  listBpfFilters,
  NetlinkError,
  openRtnetlink,
  type Rtnetlink,
  setBpfFilter,
} from "../netlink/mod.ts";
import type { BpfProgram } from "../object/bpf_program.ts";
import { requireIfindex } from "./_create_link.ts";
import { head, type LinkPosition, tail } from "./position.ts";

/** Options of {@linkcode attachClsact}. */
export interface ClsactOptions {
  /** Interface index, in the network namespace of the calling thread. */
  readonly ifindex: number;
  /** Which packets the program meets. */
  readonly direction: "ingress" | "egress";
  /** `head()` or `tail()` among the BPF filters that are there. @default tail() */
  readonly position?: LinkPosition;
  /** 1 to 65535, lower ones run first; EEXIST if it is taken. @default by position */
  readonly priority?: number;
}

const FIRST_PRIORITY = 0x8000; // room on both sides
const LAST_PRIORITY = 0xffff;
const MAX_RACES = 16;

/**
 * Attaches a tc program to an interface the way kernels before 6.6 know: a cls_bpf filter with
 * direct action on a clsact qdisc, which is added if it is missing and left there. The filter is
 * deleted when the handle is disposed; unlike a link, it outlives a process that ends without
 * disposing. The caller owns the handle. Requires Linux 4.5.
 *
 * @throws {NetlinkError} ENODEV, EINVAL (not a tc program), EPERM.
 *
 * @example Usage
 * ```ts
 * import { attachClsact, type BpfProgram } from "ebpf-ts-loader";
 * async function during(program: BpfProgram, ifindex: number, task: () => Promise<void>) {
 *   using _filter = attachClsact(program, { ifindex, direction: "ingress" });
 *   await task();
 * }
 * ```
 */
export function attachClsact(
  program: Pick<BpfProgram, "fd" | "name">,
  options: ClsactOptions,
): ClsactFilter {
  const { ifindex, direction } = options;
  requireIfindex(ifindex);
  using stack = new DisposableStack();
  const netlink = stack.use(openRtnetlink());
  addClsact(netlink, ifindex);
  for (let races = 0;; races++) {
    const priority = choosePriority(netlink, program, options);
    try {
      const place = { ifindex, direction, priority, handle: 1 };
      setBpfFilter(netlink, {
        ...place,
        programFd: program.fd,
        name: program.name,
        mode: "create",
      });
      stack.move();
      return new ClsactFilter(netlink, place);
    } catch (error) {
      // Somebody else took the priority meanwhile.
      const taken = error instanceof NetlinkError && error.code === "EEXIST";
      if (!taken || options.priority !== undefined || races === MAX_RACES) throw error;
    }
  }
}

function choosePriority(
  netlink: Rtnetlink,
  program: { readonly name: string },
  { ifindex, direction, position = tail(), priority }: ClsactOptions,
): number {
  if (priority !== undefined) return priority;
  const subject = `${program.name} to interface ${ifindex} ${direction}`;
  if (position.relativeFd !== 0) {
    throw new NotSupportedError("attach", subject, "a place beside another program", "6.6");
  }
  const taken = listBpfFilters(netlink, ifindex, direction).map((filter) => filter.priority);
  const first = taken[0];
  const last = taken.at(-1);
  if (first === undefined || last === undefined) return FIRST_PRIORITY;
  const chosen = position.flags === head().flags ? first - 1 : last + 1;
  if (chosen >= 1 && chosen <= LAST_PRIORITY) return chosen;
  throw new RangeError(
    `Cannot attach "${subject}": priorities ${first} to ${last} taken, expected room beside them`,
  );
}

/** Where a {@linkcode ClsactFilter} stands. */
export type ClsactPlace = Pick<BpfFilter, "ifindex" | "direction" | "priority" | "handle">;

/**
 * A tc program attached by clsact; owns a netlink connection to the interface's namespace.
 *
 * @example Usage
 * ```ts
 * import { attachClsact, type BpfProgram } from "ebpf-ts-loader";
 * function attachForGood(program: BpfProgram, ifindex: number): number {
 *   using filter = attachClsact(program, { ifindex, direction: "egress" });
 *   filter.leave();
 *   return filter.place.priority;
 * }
 * ```
 */
export class ClsactFilter implements Disposable {
  /** Tells it from a {@linkcode TcxLink}. */
  readonly kind = "clsact";
  /** Interface, direction, priority and handle. */
  readonly place: ClsactPlace;
  readonly #netlink: Rtnetlink;
  #attached = true;

  /** Takes ownership of the connection. @internal */
  constructor(netlink: Rtnetlink, place: ClsactPlace) {
    this.#netlink = netlink;
    this.place = place;
  }

  /** Replaces the program in one step: each packet meets the old or the new one. */
  update(program: Pick<BpfProgram, "fd" | "name">): void {
    this.#requireAttached("update");
    const { fd: programFd, name } = program;
    setBpfFilter(this.#netlink, { ...this.place, programFd, name, mode: "replace" });
  }

  /** What the kernel has there; undefined once somebody else has deleted it. */
  info(): BpfFilter | undefined {
    const { ifindex, direction, priority, handle } = this.place;
    return listBpfFilters(this.#netlink, ifindex, direction)
      .find((filter) => filter.priority === priority && filter.handle === handle);
  }

  /** Deletes the filter now; it may be gone already. */
  detach(): void {
    if (!this.#attached) return;
    this.#attached = false;
    try {
      deleteBpfFilter(this.#netlink, this.place);
    } catch (error) {
      if (!(error instanceof NetlinkError && GONE.includes(error.code))) throw error;
    }
  }

  /** Lets the filter stay after disposal and the end of the process. */
  leave(): void {
    this.#requireAttached("leave");
    this.#attached = false;
  }

  #requireAttached(action: string): void {
    if (this.#attached) return;
    const { ifindex, direction } = this.place;
    throw new TypeError(
      `Cannot ${action} "filter of interface ${ifindex} ${direction}": given up, expected attached`,
    );
  }

  /** Deletes the filter, unless it is left, and closes the connection. */
  [Symbol.dispose](): void {
    using _netlink = this.#netlink;
    this.detach();
  }
}

/** No such filter, no qdisc, no interface. */
const GONE: readonly string[] = ["ENOENT", "EINVAL", "ENODEV"];
