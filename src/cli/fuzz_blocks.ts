import type { BlockReport, MissedLine } from "../fuzz/block_coverage.ts";
import { coloured } from "./colour.ts";

/** Prints what was reached of the programs in the kernel on standard output. */
export function printBlocks({ programs, missed, outOfReach, staleReasons }: BlockReport): void {
  const counts = programs.map(({ program, blocks, reached }) => `${program} ${reached}/${blocks}`);
  console.log(`Blocks:      ${counts.join(", ")} (of the programs in the kernel)`);
  const blind = programs.reduce((sum, { notInstrumented }) => sum + notInstrumented, 0);
  if (blind > 0) console.log(`Not watched: ${blind} blocks, in which no register is free`);
  for (const line of missed) {
    console.log(`${coloured("yellow", "Not reached:")} ${described(line)}`);
  }
  for (const { program, line, why, state } of staleReasons) {
    console.log(`${coloured("yellow", "Outdated:")}    ${program} ${line}: "${why}", but ${state}`);
  }
  const whys = Map.groupBy(outOfReach, ({ why }) => why);
  for (const [why, lines] of whys) {
    const blocks = lines.reduce((sum, { blocks }) => sum + blocks, 0);
    const places = [...new Set(lines.map(({ place }) => place))].join(", ");
    console.log(`Unreachable: ${blocks} blocks (${places}): ${why}`);
  }
}

function described({ program, function: name, place, line, blocks }: MissedLine): string {
  const where = name === program ? program : `${program} ${name}()`;
  const count = blocks === 1 ? "" : ` (${blocks} blocks)`;
  return `${where} ${place} ${line}${count}`;
}
