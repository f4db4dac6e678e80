import { ObjectFormatError } from "../errors.ts";
import type { BtfType } from "./types.ts";

/** What `type` contains by value: a cycle here would be a type of infinite size. */
function contained(type: BtfType): readonly number[] {
  switch (type.kind) {
    case "array":
    case "typedef":
    case "volatile":
    case "const":
    case "restrict":
    case "typeTag":
    case "variable":
      return [type.type];
    case "struct":
    case "union":
      return type.members.map((member) => member.type);
    case "dataSection":
      return type.variables.map((variable) => variable.type);
    default:
      return [];
  }
}

/** What `type` is made of without a struct between: C cannot write a cycle here either. */
function derived(type: BtfType): readonly number[] {
  if (type.kind === "pointer") return [type.type];
  return type.kind === "struct" || type.kind === "union" ? [] : contained(type);
}

/** Throws if a type contains itself. Linear in the size of the BTF, no recursion. */
export function refuseCycles(types: readonly BtfType[], subject: string): void {
  for (const edges of [contained, derived]) {
    const cycle = findCycle(types, edges);
    if (cycle === undefined) continue;
    const type = types[cycle];
    const name = type && "name" in type && type.name !== "" ? ` "${type.name}"` : "";
    throw new ObjectFormatError(subject, `type ${cycle}${name} contains itself`, "no cycle");
  }
}

function findCycle(
  types: readonly BtfType[],
  edges: (type: BtfType) => readonly number[],
): number | undefined {
  const [open, done] = [1, 2];
  const state = new Uint8Array(types.length);
  for (let root = 0; root < types.length; root++) {
    if (state[root] !== 0) continue;
    const stack: { id: number; next: readonly number[]; at: number }[] = [];
    const enter = (id: number) => {
      const type = types[id];
      state[id] = open;
      stack.push({ id, next: type ? edges(type) : [], at: 0 });
    };
    enter(root);
    for (let frame = stack.at(-1); frame; frame = stack.at(-1)) {
      const target = frame.next[frame.at++];
      if (target === undefined) {
        state[frame.id] = done;
        stack.pop();
        continue;
      }
      if (state[target] === open) return target;
      if (state[target] === 0) enter(target);
    }
  }
  return undefined;
}
