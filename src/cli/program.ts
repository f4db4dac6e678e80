import { Command, CommanderError } from "commander";
import { demoCommand } from "./demo.ts";
import { BadInputError, EXIT_CODE } from "./exit_code.ts";
import { checkCommand } from "./check.ts";
import { diffCommand } from "./diff.ts";
import { fuzzCommand } from "./fuzz.ts";
import { identityCommand } from "./identity.ts";
import { matrixCommand } from "./matrix.ts";
import { policymapCommand } from "./policymap.ts";
import { replayCommand } from "./replay.ts";
import { selectorsCommand } from "./selectors.ts";
import { traceCommand } from "./trace.ts";
import { verifyCommand } from "./verify.ts";
import { VERSION } from "./version.ts";
import { OutputClosedError } from "./write_text.ts";

/** 128 + SIGPIPE, as of programs that the signal ends. */
const OUTPUT_CLOSED = 141;

/**
 * Runs a command line, without the program's own name. Commands print their results and
 * set `Deno.exitCode`; what they throw as bad input is printed here.
 *
 * @returns the exit code.
 */
export async function runProgram(args: readonly string[]): Promise<number> {
  try {
    await program().parseAsync([...args], { from: "user" });
    return Deno.exitCode;
  } catch (error) {
    // Commander has printed its message; help and version come as errors of code 0.
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? EXIT_CODE.OK : EXIT_CODE.BAD_INPUT;
    }
    if (error instanceof OutputClosedError) return OUTPUT_CLOSED;
    if (!(error instanceof BadInputError)) throw error;
    console.error(error.message);
    return EXIT_CODE.BAD_INPUT;
  }
}

const COMMANDS: readonly (() => Command)[] = [
  verifyCommand,
  fuzzCommand,
  replayCommand,
  demoCommand,
  traceCommand,
  matrixCommand,
  diffCommand,
  policymapCommand,
  identityCommand,
  selectorsCommand,
  checkCommand,
];

function program(): Command {
  const root = new Command("twinpath")
    .description("One network policy, two datapaths, one verdict.")
    .version(VERSION)
    .showSuggestionAfterError()
    .helpCommand("help [command]", "show the help of a command");
  for (const command of COMMANDS) root.addCommand(command());
  for (const command of withSubcommands(root)) command.exitOverride();
  return root;
}

function* withSubcommands(command: Command): Generator<Command> {
  yield command;
  for (const sub of command.commands) yield* withSubcommands(sub);
}
