import { Command, InvalidArgumentError, Option } from "commander";
import { type CollectionSpec, ObjectFormatError, parseObject } from "ebpf-ts-loader";
import { tryParseIpAddress } from "../cluster/ip_address.ts";
import { DEFAULT_RANDOM_FLOWS, runVerify, type VerifyFlags } from "./verify_run.ts";
import { BadInputError } from "./exit_code.ts";

/**
 * `twinpath verify`: the differential test of policy text, emulator and kernel. Sets
 * `Deno.exitCode`.
 */
export function verifyCommand(): Command {
  return new Command("verify")
    .summary("prove that policy text, emulator and kernel agree")
    .description(
      "Try every equivalence class of flows in the naive reading of the policies, in the " +
        "emulator, in Cilium's policy maps as they are read without a kernel, in the kernel's " +
        "programs and in the LPM twin (the same programs on Cilium's maps), then random flows, " +
        "and compare verdict, drop reason, matched entry, events, packet bytes, conntrack, " +
        "accounting and metrics.",
    )
    .option("-f, --file <path...>", "manifests: files, folders or - (default: the Death Star)")
    .option("--random <flows>", "how many random flows", wholeNumber, DEFAULT_RANDOM_FLOWS)
    .option("--seed <number>", "seed of the random flows (default: another one each time)", seed)
    .option(
      "--classes <number>",
      "most classes per node, drawn by the seed (default: all)",
      wholeNumber,
    )
    .option("--node <name...>", "nodes whose views to take (default: all)")
    .addOption(
      new Option("--enforcement <mode>", "when policies count").choices([
        "default",
        "always",
        "never",
      ]).default("default"),
    )
    .option("--no-allow-localhost", "the host may not reach its pods by itself")
    .option("--cidr-matches-nodes", "address blocks are for nodes as well", false)
    .option("--dns <name=address,…>", "what a DNS name was answered with", dnsFact, [])
    .option("--audit", "audit mode: policy only tells", false)
    .option("--mutate", "measure how many mutants of programs and images are caught", false)
    .option("--require-kernel", "fail where the kernel or a privilege is missing", false)
    .option("--repro <folder>", "replay the mismatch in a reproducer folder")
    .option("--repro-out <folder>", "where to write a reproducer", "twinpath-repro")
    .option("--object <file>", "use this BPF object instead of bpf/obj/datapath.bpf.o")
    .addOption(
      new Option(
        "--fault <datapath:policy:byte>",
        "flip a bit of a policy image, to see a mismatch",
      ).argParser(faultOf),
    )
    .addOption(
      new Option("-o, --output <format>", "how to print").choices(["table", "json", "jsonl"])
        .default("table"),
    )
    .addHelpText(
      "after",
      "\nExit code: 0 all agree, 1 a mismatch (a reproducer is written), 2 bad use, or manifests " +
        "that are refused\n(the rest is verified, and a mismatch there is still 1).",
    )
    .action(async (flags: VerifyFlags & { object?: string }) => {
      const { object, ...rest } = flags;
      const spec = object === undefined ? undefined : await readObject(object);
      Deno.exitCode = await runVerify({ ...rest, ...(spec && { spec }) });
    });
}

async function readObject(path: string): Promise<CollectionSpec> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = await Deno.readFile(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BadInputError(`Cannot read "${path}": ${reason}, expected a BPF object`, { cause });
  }
  try {
    return parseObject(bytes, path);
  } catch (cause) {
    if (!(cause instanceof ObjectFormatError)) throw cause;
    throw new BadInputError(cause.message, { cause });
  }
}

type DnsFact = VerifyFlags["dns"][number];

function dnsFact(text: string, before: readonly DnsFact[]): readonly DnsFact[] {
  const [name = "", list = "", ...rest] = text.split("=");
  const addresses = list.split(",").map(tryParseIpAddress).filter((a) => a !== undefined);
  if (!isDnsName(name) || rest.length > 0 || addresses.length < list.split(",").length) {
    throw new InvalidArgumentError("expected for example example.com=192.0.2.1,2001:db8::1");
  }
  return [...before, [name.toLowerCase(), addresses]];
}

function isDnsName(text: string): boolean {
  return /^[-a-z0-9_.]{1,255}$/i.test(text);
}

const MOST_FLOWS = 1e9;

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^[0-9]+$/.test(text) || value > MOST_FLOWS) {
    throw new InvalidArgumentError(`expected a whole number up to ${MOST_FLOWS}`);
  }
  return value;
}

/** Reads `--seed`. */
export function seed(text: string): number {
  const value = Number(text);
  if (!/^[0-9]+$/.test(text) || value > 0xffffffff) {
    throw new InvalidArgumentError("expected a whole number up to 4294967295");
  }
  return value;
}

/** Reads `--fault`. */
export function faultOf(text: string): VerifyFlags["fault"] {
  const match = /^(emulator|kernel):([0-9]{1,4}):([0-9]{1,8})$/.exec(text);
  const [, datapath, policy, byte] = match ?? [];
  if (datapath !== "emulator" && datapath !== "kernel") {
    throw new InvalidArgumentError("expected for example emulator:1:16530");
  }
  return { datapath, policy: Number(policy), byte: Number(byte) };
}
