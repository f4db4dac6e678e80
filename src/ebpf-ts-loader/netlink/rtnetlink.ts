import { AF, check, ERRNO, Fd, type Netns, SYS, syscall, SyscallError } from "../sys/mod.ts";
import { NLM_F, NLMSG, NLMSGERR_ATTR } from "./_constants.ts";
import {
  Attributes,
  type Message,
  type MessageBuilder,
  NetlinkFormatError,
  parseMessages,
} from "./message.ts";
import { NetlinkError } from "./netlink_error.ts";

const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const NETLINK_ROUTE = 0;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;
const MSG_TRUNC = 0x20;
// The kernel fills dumps into packets of at most 32 KiB (netlink_dump).
const RECEIVE_BYTES = 65536;
const SOCKADDR_NL_BYTES = 12;
const ERROR_HEADER = 4 + 16;
const MAX_DUMP_ATTEMPTS = 16;

/** What a request is about, for errors. */
export interface RequestContext {
  /** Verb phrase: `add address`. */
  readonly action: string;
  /** What it is done to. */
  readonly subject: string;
}

/**
 * A connection to the kernel's routing tables (rtnetlink), bound to the network namespace that it
 * was opened in. Requests block, for microseconds as a rule: the kernel answers before the request
 * returns.
 *
 * @example Usage
 * ```ts
 * import { listRoutes, openRtnetlink, type Rtnetlink } from "ebpf-ts-loader/netlink";
 * import { assert } from "@std/assert";
 * const countRoutes = (netlink: Rtnetlink) => listRoutes(netlink).length;
 * using netlink = openRtnetlink();
 * assert(countRoutes(netlink) >= 0);
 * ```
 */
export class Rtnetlink implements Disposable {
  readonly #socket: Fd;
  readonly #buffer = new Uint8Array(RECEIVE_BYTES);
  #sequence = 0;

  /** Takes ownership of `fd`, a blocking NETLINK_ROUTE socket. */
  constructor(fd: number) {
    this.#socket = new Fd(fd);
  }

  /**
   * Makes a change and waits for its acknowledgement.
   *
   * @throws {NetlinkError} If the kernel refuses it.
   */
  request(type: number, flags: number, builder: MessageBuilder, context: RequestContext): void {
    this.#send(type, flags | NLM_F.ACK, builder);
    for (;;) {
      for (const message of this.#receive()) {
        if (message.type !== NLMSG.ERROR) continue;
        throwIfError(message, context);
        return;
      }
    }
  }

  /**
   * Asks for one object and returns the answer's payload.
   *
   * @throws {NetlinkError} If the kernel refuses it (ENODEV, ENOENT).
   */
  get(type: number, builder: MessageBuilder, context: RequestContext): Uint8Array {
    this.#send(type, 0, builder);
    for (;;) {
      for (const message of this.#receive()) {
        if (message.type !== NLMSG.ERROR) return message.payload.slice();
        throwIfError(message, context);
      }
    }
  }

  /**
   * Asks for all objects and returns the payloads. Starts over when the table changes meanwhile,
   * so that the result is a state that existed.
   */
  dump(type: number, builder: MessageBuilder, context: RequestContext): Uint8Array[] {
    for (let attempt = 0; attempt < MAX_DUMP_ATTEMPTS; attempt++) {
      const payloads = this.#dumpOnce(type, builder, context);
      if (payloads) return payloads;
    }
    throw new Error(
      `Cannot ${context.action} "${context.subject}": changed during ${MAX_DUMP_ATTEMPTS} dumps, ` +
        "expected it to rest",
    );
  }

  #dumpOnce(
    type: number,
    builder: MessageBuilder,
    context: RequestContext,
  ): Uint8Array[] | undefined {
    this.#send(type, NLM_F.DUMP, builder);
    const payloads: Uint8Array[] = [];
    let interrupted = false;
    for (;;) {
      for (const message of this.#receive()) {
        interrupted ||= (message.flags & NLM_F.DUMP_INTR) !== 0;
        if (message.type === NLMSG.DONE) return interrupted ? undefined : payloads;
        if (message.type === NLMSG.ERROR) throwIfError(message, context);
        else payloads.push(message.payload.slice());
      }
    }
  }

  #send(type: number, flags: number, builder: MessageBuilder): void {
    this.#sequence = (this.#sequence + 1) >>> 0;
    const bytes = builder.build({
      type,
      flags: flags | NLM_F.REQUEST,
      sequence: this.#sequence,
    });
    check(syscall(SYS.sendto, this.#socket.fd, bytes, bytes.length, 0, null, 0), "sendto", {
      action: "send",
      subject: "netlink request",
    });
  }

  /** The next messages that answer the request under way. They share the receive buffer. */
  #receive(): Message[] {
    const sender = new Uint8Array(SOCKADDR_NL_BYTES);
    for (;;) {
      const size = Uint32Array.of(SOCKADDR_NL_BYTES);
      const count = syscall(
        SYS.recvfrom,
        this.#socket.fd,
        this.#buffer,
        RECEIVE_BYTES,
        MSG_TRUNC,
        sender,
        size,
      );
      if (count === -ERRNO.EINTR) continue;
      if (count < 0) throw new SyscallError("recvfrom", -count, { subject: "netlink answer" });
      // Only the kernel has port 0; processes may write to this socket too.
      if (size[0] !== SOCKADDR_NL_BYTES || new DataView(sender.buffer).getUint32(4, true) !== 0) {
        continue;
      }
      if (count > RECEIVE_BYTES) {
        throw new NetlinkFormatError(
          `Cannot read netlink answer: ${count} bytes, expected at most ${RECEIVE_BYTES}`,
        );
      }
      const messages = parseMessages(this.#buffer.subarray(0, count));
      // Answers left over from a request that failed half-way do not count.
      const ours = messages.filter((message) => message.sequence === this.#sequence);
      if (ours.length > 0) return ours;
    }
  }

  /** Closes the connection; a second call does nothing. */
  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}

/**
 * Reads an acknowledgement: `error i32 | request header`, then the request's payload unless the
 * message is capped, then attributes if it says so.
 *
 * @throws {NetlinkError} If it is not one of success.
 */
export function throwIfError(message: Message, context: RequestContext): void {
  const { payload, flags } = message;
  if (payload.length < ERROR_HEADER) {
    throw new NetlinkFormatError(
      `Cannot read netlink acknowledgement: ${payload.length} bytes, expected at least ${ERROR_HEADER}`,
    );
  }
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const error = view.getInt32(0, true);
  if (error === 0) return;
  throw new NetlinkError(context.action, context.subject, -error, errorText(payload, view, flags));
}

function errorText(payload: Uint8Array, view: DataView, flags: number): string | undefined {
  if ((flags & NLM_F.ACK_TLVS) === 0) return undefined;
  const request = flags & NLM_F.CAPPED ? 16 : view.getUint32(4, true);
  const start = 4 + Math.ceil(request / 4) * 4; // no bit operation: a hostile length is 32 bits
  if (start > payload.length) {
    throw new NetlinkFormatError(
      `Cannot read netlink acknowledgement: attributes at ${start}, expected at most ${payload.length}`,
    );
  }
  return new Attributes(payload.subarray(start)).string(NLMSGERR_ATTR.MSG);
}

/**
 * Connects to rtnetlink in a network namespace.
 *
 * @param netns The namespace; absent means the calling thread's.
 *
 * @example Usage
 * ```ts
 * import { listLinks, openRtnetlink } from "ebpf-ts-loader/netlink";
 * import { assert } from "@std/assert";
 * using netlink = openRtnetlink();
 * assert(listLinks(netlink).some((link) => link.name === "lo"));
 * ```
 */
export function openRtnetlink(netns?: Netns): Rtnetlink {
  const make = () => {
    const type = SOCK_RAW | SOCK_CLOEXEC;
    using socket = new Fd(
      check(syscall(SYS.socket, AF.NETLINK, type, NETLINK_ROUTE), "socket", {
        action: "open socket",
        subject: "rtnetlink",
      }),
    );
    for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK]) {
      const on = Int32Array.of(1);
      check(syscall(SYS.setsockopt, socket.fd, SOL_NETLINK, option, on, 4), "setsockopt", {
        action: `set netlink option ${option} of`,
        subject: "rtnetlink",
        expected: "Linux 4.20 or newer",
      });
    }
    return new Rtnetlink(socket.release());
  };
  return netns ? netns.run(make) : make();
}
