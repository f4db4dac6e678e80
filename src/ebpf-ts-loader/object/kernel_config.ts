import { gunzipSync } from "node:zlib";
import type { CollectionSpec, KconfigExtern } from "../spec/collection_spec.ts";
import { SyscallError } from "../sys/mod.ts";
import { readKernelFile, readKernelText } from "./_kernel_files.ts";
import { hasAttachCookie } from "./_attach_cookie.ts";

/**
 * A configuration value: `"y"`, `"m"` and `"n"` (or a boolean) for options, a number, or text for
 * `extern char CONFIG_X[] __kconfig`.
 */
export type KconfigValue = string | number | bigint | boolean;

/** Configuration values by name: `{ CONFIG_HZ: 250 }`. */
export type Kconfig = Readonly<Record<string, KconfigValue>>;

let running: ReadonlyMap<string, string> | undefined;

/** Lines of the running kernel's configuration by name, or nothing if it cannot be read. */
function runningConfig(): ReadonlyMap<string, string> {
  return running ??= parseConfig(readConfig());
}

function readConfig(): string {
  const release = readKernelText("/proc/sys/kernel/osrelease").trim();
  const sources = [
    () => new TextDecoder().decode(gunzipSync(readKernelFile("/proc/config.gz"))),
    () => readKernelText(`/boot/config-${release}`),
  ];
  for (const read of sources) {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
    }
  }
  return "";
}

/** Reads `CONFIG_X=value` lines; values keep their quotes. */
export function parseConfig(text: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const [, name = "", value = ""] of text.matchAll(/^(CONFIG_\w+)=(.+)$/gm)) {
    values.set(name, value.trim());
  }
  return values;
}

/**
 * The bytes of a specification's `.kconfig` map: values given by the caller, else those of the
 * running kernel. Throws `TypeError` for a value that is not weak and not found, and for one that
 * does not have the declared type; `RangeError` for a number that does not fit.
 */
export function kconfigContents(spec: CollectionSpec, given: Kconfig): Uint8Array<ArrayBuffer> {
  const externs = [...spec.externs.values()].filter((each) => each.kind === "kconfig");
  refuseUnknown(spec, externs, given);
  const size = externs.reduce((end, each) => Math.max(end, each.offset + each.size), 0);
  const contents = new Uint8Array(size);
  for (const extern of externs) {
    const { name, weak, offset } = extern;
    const text = Object.hasOwn(given, name)
      ? configText(extern, given[name] ?? "")
      : virtualValue(name) ?? runningConfig().get(name);
    if (text !== undefined) contents.set(encode(extern, text), offset);
    else if (!weak) {
      throw unfit(name, "not in the kernel's configuration", "a value in `kconfig`, or __weak");
    }
  }
  return contents;
}

function refuseUnknown(
  spec: CollectionSpec,
  externs: readonly KconfigExtern[],
  given: Kconfig,
): void {
  const names = externs.map(({ name }) => name);
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw unfit(unknown, `not in "${spec.name}"`, `one of ${names.join(", ") || "none"}`);
}

function unfit(name: string, state: string, expected: string): TypeError {
  return new TypeError(`Cannot set extern "${name}": ${state}, expected ${expected}`);
}

/** A value as the configuration file would have it. */
function configText({ value: kind }: KconfigExtern, value: KconfigValue): string {
  if (typeof value === "boolean") return value ? "y" : "n";
  return kind === "string" ? `"${value}"` : `${value}`;
}

/** What libbpf offers besides CONFIG_… values. */
function virtualValue(name: string): string | undefined {
  switch (name) {
    case "LINUX_KERNEL_VERSION":
      return `${kernelVersion()}`;
    case "LINUX_HAS_BPF_COOKIE":
      return hasAttachCookie() ? "1" : "0";
    case "LINUX_HAS_SYSCALL_WRAPPER":
      return / __(x64|arm64|s390x|riscv)_sys_bpf$/m.test(readKernelText("/proc/kallsyms"))
        ? "1"
        : "0";
    default:
      return undefined;
  }
}

/** KERNEL_VERSION(a, b, c) of the running kernel; Debian keeps the patch level elsewhere. */
function kernelVersion(): number {
  const release = readKernelText("/proc/sys/kernel/osrelease");
  const debian = / Debian (\d+\.\d+\.\d+)/.exec(readKernelText("/proc/sys/kernel/version"));
  const [, major, minor, patch] = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(debian?.[1] ?? release) ?? [];
  return Number(major) * 65536 + Number(minor) * 256 + Math.min(Number(patch ?? 0), 255);
}

const TRISTATE: Readonly<Record<string, number>> = { n: 0, y: 1, m: 2 };

function encode(extern: KconfigExtern, text: string): Uint8Array<ArrayBuffer> {
  const { name, value: kind } = extern;
  const bytes = new Uint8Array(extern.size);
  if (/^[ymn]$/.test(text)) {
    if (kind === "char") bytes[0] = text.charCodeAt(0);
    else if (kind === "tristate" || (kind === "bool" && text !== "m")) {
      bytes[0] = TRISTATE[text] ?? 0;
    } else throw unfit(name, `"${text}"`, `a value for its type, ${kind}`);
    return bytes;
  }
  if (text.startsWith('"')) {
    if (kind !== "string" || text.length < 2 || !text.endsWith('"')) {
      throw unfit(name, text, `a value for its type, ${kind}`);
    }
    // Cut to what fits with its NUL, as libbpf does.
    const value = new TextEncoder().encode(text.slice(1, -1));
    bytes.set(value.subarray(0, extern.size - 1));
    return bytes;
  }
  if (
    (kind === "int" || kind === "char" || kind === "bool") && /^-?(0x[0-9a-f]+|\d+)$/i.test(text)
  ) {
    return encodeNumber(extern, text, bytes);
  }
  throw unfit(name, `"${text}"`, `a value for its type, ${kind}`);
}

function encodeNumber(
  { name, size, signed, value: kind }: KconfigExtern,
  text: string,
  bytes: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const number = text.startsWith("-") ? -BigInt(text.slice(1)) : BigInt(text);
  const bits = BigInt(size * 8);
  const low = signed ? -(1n << (bits - 1n)) : 0n;
  const high = kind === "bool" ? 1n : (1n << (signed ? bits - 1n : bits)) - 1n;
  if (number < low || number > high) {
    throw new RangeError(
      `Cannot set extern "${name}": ${number}, expected ${low} to ${high}`,
    );
  }
  const whole = new Uint8Array(8);
  new DataView(whole.buffer).setBigUint64(0, BigInt.asUintN(64, number), true);
  bytes.set(whole.subarray(0, size));
  return bytes;
}
