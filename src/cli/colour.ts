import process from "node:process";
import { styleText } from "node:util";
import type { Verdict } from "../explain/answer.ts";

const COLOURS = { allowed: "green", denied: "yellow", redirected: "cyan" } as const;

/** Colours on a terminal only, and not where NO_COLOR asks for none. */
export function coloured(
  colour: "green" | "yellow" | "cyan" | "red" | "dim" | "bold",
  text: string,
): string {
  return styleText(colour, text, { stream: process.stdout });
}

/** A verdict, or a text in its place, in the colour of the verdict. */
export function verdictText(verdict: Verdict, text: string = verdict): string {
  return coloured(COLOURS[verdict], text);
}
