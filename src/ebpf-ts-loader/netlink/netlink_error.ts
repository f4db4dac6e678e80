import { errnoName } from "../sys/mod.ts";

/**
 * The kernel refused a netlink request.
 *
 * @example Usage
 * ```ts
 * import { NetlinkError } from "ebpf-ts-loader/netlink";
 * import { assertEquals } from "@std/assert";
 * const error = new NetlinkError("add address", "eth0", 17, "Address already assigned");
 * assertEquals(
 *   error.message,
 *   'Cannot add address "eth0": EEXIST (Address already assigned), expected success',
 * );
 * ```
 */
export class NetlinkError extends Error {
  /** For messages and `switch`. */
  override name = "NetlinkError";
  /** Positive errno value. */
  readonly errno: number;
  /** Symbolic errno: `EEXIST`. */
  readonly code: string;
  /** What the kernel says about it (extended acknowledgement), if anything. */
  readonly detail: string | undefined;

  /** `errno` is positive; `detail` the kernel's own words. */
  constructor(action: string, subject: string, errno: number, detail?: string) {
    const code = errnoName(errno);
    // One line of visible characters, whatever the kernel's module wrote.
    // deno-lint-ignore no-control-regex
    const printable = detail?.replace(/[\u0000-\u001f\u007f]/g, "?");
    super(
      `Cannot ${action} "${subject}": ${code}${printable ? ` (${printable})` : ""}, ` +
        "expected success",
    );
    this.errno = errno;
    this.code = code;
    this.detail = printable;
  }
}
