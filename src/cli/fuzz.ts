import { Command, InvalidArgumentError, Option } from "commander";
import { addOutputOption } from "./cluster_flags.ts";
import { type FuzzFlags, runFuzz } from "./fuzz_run.ts";
import { faultOf, seed } from "./verify.ts";

const HELP = `
Worlds alternate between random tables and random clusters that the policy engine compiles. Their
packets are conversations in driven time (opened, answered, closed, timed out), their fragments
and the ICMP errors about them, and changes of all of these. Compared are verdict, mark and bytes
of every packet, every event, and after each stretch of packets conntrack, accounting, metrics
and garbage collection. A mismatch is shrunk, packets first, and written as a reproducer.

Some of the packets also run through copies of the programs that note which basic blocks they
reach. A block that no packet has reached is named by its line of C, or counted with the reason
why none can.

Without root or BPF only the emulator runs, and nothing is compared.

Examples:
  twinpath fuzz --seconds 300                # how much agrees, and what was reached
  twinpath fuzz --packets 5e8 --seed 1       # a long run; nice -n 19 leaves the machine to others
  twinpath fuzz --corpus odd.pcap more.pcap  # packets of captures among the others
  twinpath verify --repro twinpath-fuzz      # runs a reproducer again

Exit code: 0 all equal, 1 a mismatch (a reproducer is written), 2 bad use or bad input.`;

/** `twinpath fuzz`: emulator against kernel, millions of packets. Sets `Deno.exitCode`. */
export function fuzzCommand(): Command {
  const command = new Command("fuzz")
    .summary("look for packets that emulator and kernel treat differently")
    .description(
      "Make random nodes and packets in batches, run them in the emulator and in the kernel's " +
        "programs at once, and compare everything that they leave behind.",
    )
    .option("--seed <number>", "seed of worlds and packets (default: another one each time)", seed)
    .option("--packets <number>", "how many packets, such as 1000000 or 5e8", packets)
    .option("--seconds <number>", "how long (default: 10, unless --packets is given)", seconds)
    .option("--threads <number>", "how many worlds at once (default: one per CPU)", threads)
    .option("--corpus <capture...>", "pcap or pcapng files whose packets are among the others")
    .option("--require-kernel", "fail where the kernel or a privilege is missing", false)
    .option("--repro-out <folder>", "where to write a reproducer", "twinpath-fuzz")
    .addOption(
      new Option(
        "--fault <datapath:policy:byte>",
        "flip a bit of a policy's images, to see a mismatch",
      ).argParser(faultOf),
    );
  return addOutputOption(command)
    .addHelpText("after", HELP)
    .action(async (flags: FuzzFlags) => {
      Deno.exitCode = await runFuzz(flags);
    });
}

const MOST_THREADS = 64;

function threads(text: string): number {
  const value = Number(text);
  if (!/^[0-9]+$/.test(text) || value < 1 || value > MOST_THREADS) {
    throw new InvalidArgumentError(`expected a whole number from 1 to ${MOST_THREADS}`);
  }
  return value;
}

const MOST_PACKETS = 1e12;
const MOST_SECONDS = 1e7;

function packets(text: string): number {
  const value = Number(text);
  if (!/^[0-9]+(e[0-9]+)?$/.test(text) || value < 1 || value > MOST_PACKETS) {
    throw new InvalidArgumentError(`expected a whole number from 1 to ${MOST_PACKETS}`);
  }
  return value;
}

function seconds(text: string): number {
  const value = Number(text);
  if (!/^[0-9]+(\.[0-9]+)?$/.test(text) || value <= 0 || value > MOST_SECONDS) {
    throw new InvalidArgumentError(`expected seconds, up to ${MOST_SECONDS}`);
  }
  return value;
}
