// asm-generic/errno-base.h and errno.h: identical on x86-64 and arm64. Index = number.
const NAMES: readonly (string | undefined)[] =
  ("0 EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT " +
    "ENOTBLK EBUSY EEXIST EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG " +
    "ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ERANGE EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY " +
    "ELOOP 41 ENOMSG EIDRM ECHRNG EL2NSYNC EL3HLT EL3RST ELNRNG EUNATCH ENOCSI EL2HLT EBADE EBADR " +
    "EXFULL ENOANO EBADRQC EBADSLT 58 EBFONT ENOSTR ENODATA ETIME ENOSR ENONET ENOPKG EREMOTE " +
    "ENOLINK EADV ESRMNT ECOMM EPROTO EMULTIHOP EDOTDOT EBADMSG EOVERFLOW ENOTUNIQ EBADFD EREMCHG " +
    "ELIBACC ELIBBAD ELIBSCN ELIBMAX ELIBEXEC EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK " +
    "EDESTADDRREQ EMSGSIZE EPROTOTYPE ENOPROTOOPT EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP " +
    "EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL ENETDOWN ENETUNREACH ENETRESET " +
    "ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN ETOOMANYREFS ETIMEDOUT " +
    "ECONNREFUSED EHOSTDOWN EHOSTUNREACH EALREADY EINPROGRESS ESTALE EUCLEAN ENOTNAM ENAVAIL " +
    "EISNAM EREMOTEIO EDQUOT ENOMEDIUM EMEDIUMTYPE ECANCELED ENOKEY EKEYEXPIRED EKEYREVOKED " +
    "EKEYREJECTED EOWNERDEAD ENOTRECOVERABLE ERFKILL EHWPOISON").split(" ");

/**
 * Positive errno values that callers compare with.
 *
 * @example Usage
 * ```ts
 * import { ERRNO, SyscallError } from "ebpf-ts-loader/sys";
 * const isFull = (error: unknown) =>
 *   error instanceof SyscallError && error.errno === ERRNO.ENOSPC;
 * ```
 */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  E2BIG: 7,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  ENOSPC: 28,
  ENOSYS: 38,
  EOPNOTSUPP: 95,
  EADDRINUSE: 98,
  ENOBUFS: 105,
  ESTALE: 116,
  /** Kernel-internal "not supported"; bpf(2) lets it out to userspace. */
  ENOTSUPP: 524,
} as const;

/**
 * The symbolic name of a positive errno value, or its number as text when it has none.
 *
 * @example Usage
 * ```ts
 * import { errnoName } from "ebpf-ts-loader/sys";
 * import { assertEquals } from "@std/assert";
 * assertEquals(errnoName(22), "EINVAL");
 * assertEquals(errnoName(524), "ENOTSUPP");
 * ```
 */
export function errnoName(errno: number): string {
  if (errno === ERRNO.ENOTSUPP) return "ENOTSUPP";
  const name = NAMES[errno];
  return name?.startsWith("E") ? name : `errno ${errno}`;
}

/** What failed, for {@linkcode SyscallError}. */
export interface SyscallErrorContext {
  /** What was tried, as a verb phrase: `create map`. @default `call` */
  action?: string;
  /** What it was tried on: `ipcache4`. @default the command */
  subject?: string;
  /** State that would have let it succeed. @default `success` */
  expected?: string;
}

/**
 * A system call returned an error.
 *
 * @example Usage
 * ```ts
 * import { SyscallError } from "ebpf-ts-loader/sys";
 * import { assertEquals } from "@std/assert";
 * const error = new SyscallError("BPF_MAP_CREATE", 1, { action: "create map", subject: "a" });
 * assertEquals(error.code, "EPERM");
 * assertEquals(error.message, 'Cannot create map "a": EPERM from BPF_MAP_CREATE, expected success');
 * ```
 */
export class SyscallError extends Error {
  override name = "SyscallError";
  /** The command or system call: `BPF_MAP_CREATE`, `setns`. */
  readonly command: string;
  /** Positive errno value. */
  readonly errno: number;
  /** Symbolic errno: `EPERM`. */
  readonly code: string;

  constructor(command: string, errno: number, context: SyscallErrorContext = {}) {
    const code = errnoName(errno);
    const { action = "call", subject = command, expected = "success" } = context;
    super(`Cannot ${action} "${subject}": ${code} from ${command}, expected ${expected}`);
    this.command = command;
    this.errno = errno;
    this.code = code;
  }
}

/**
 * Returns `result` when it is not negative, else throws the {@linkcode SyscallError} of −result.
 *
 * @example Usage
 * ```ts
 * import { check, SyscallError } from "ebpf-ts-loader/sys";
 * import { assertEquals, assertThrows } from "@std/assert";
 * assertEquals(check(3, "openat"), 3);
 * assertThrows(() => check(-2, "openat"), SyscallError, "ENOENT");
 * ```
 */
export function check(result: number, command: string, context?: SyscallErrorContext): number {
  if (result < 0) throw new SyscallError(command, -result, context);
  return result;
}
