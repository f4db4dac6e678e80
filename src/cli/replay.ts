import { Command, Option } from "commander";
import { REPLAY_DATAPATHS, type ReplayFlags, runReplay } from "./replay_run.ts";
import { addOutputOption } from "./cluster_flags.ts";

/** `twinpath replay`: captures through the datapaths. Sets `Deno.exitCode`. */
export function replayCommand(): Command {
  const command = new Command("replay")
    .summary("run captures through the datapaths and compare what they do")
    .description(
      "Run every packet of pcap and pcapng files through the program that would have seen it, " +
        "at the time of the capture, in the emulator, in the kernel and in the LPM twin (the " +
        "kernel's programs on Cilium's maps), and compare verdict, events, packet bytes, " +
        "conntrack, metrics and accounting. What policy decides is looked up in Cilium's policy " +
        "maps as well.",
    )
    .argument("[capture...]", "pcap or pcapng files, or - for standard input")
    .option(
      "-f, --file <path...>",
      "manifests of the cluster, after the captures: files or folders (default: who sends in " +
        "the capture is a pod, and policy allows everything)",
    )
    .addOption(
      new Option(
        "--datapath <which>",
        "who runs them; both: emulator and kernel (default: all, where BPF can be used)",
      ).choices(Object.keys(REPLAY_DATAPATHS)),
    )
    .addOption(
      new Option("--from <pod>", "every packet enters as sent by this pod").conflicts("to"),
    )
    .option("--to <pod>", "every packet enters as sent to this pod from outside the node");
  return addOutputOption(command)
    .addHelpText("after", HELP)
    .action(async (captures: string[], flags: ReplayFlags) => {
      Deno.exitCode = await runReplay(captures, flags);
    });
}

const HELP = `
A packet enters the program of the pod whose MAC or IP address sends it; what no pod sends
enters that of the pod to which it goes. Without -f, the first 8 addresses that send in a
capture are pods, and a frame of none of them comes from the first; with -f, packets of no pod
are left out, unless --from or --to says where they enter.

Link types: Ethernet, Linux cooked (SLL, SLL2), raw IP, BSD loopback. Of packets that are longer
than 224 bytes, or of which the capture has only the beginning, the headers run: payload has no
say in a verdict. What was captured without all its headers is left out.

SIGINT ends a capture from standard input, which is then run; later it stops the replay, and
what has been run is told of.

Examples:
  twinpath replay odd.pcap                          # do all agree about odd packets?
  tcpdump -i any -c 1000 -w - | twinpath replay - -f cluster.yaml
  twinpath replay a.pcap b.pcapng -o jsonl --datapath emulator

Exit code: 0 no difference, 1 the datapaths differ, 2 bad use, a damaged capture (what comes
before the damage is run) or a refused manifest, 130 and 143 stopped.`;
