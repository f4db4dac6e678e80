import { Command } from "commander";
import { demoCommand } from "../../src/cli/demo.ts";

await new Command("twinpath").addCommand(demoCommand()).parseAsync();
