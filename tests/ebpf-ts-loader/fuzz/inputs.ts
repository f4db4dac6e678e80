import {
  Btf,
  NotSupportedError,
  ObjectFormatError,
  parseObject,
  relocateCore,
} from "ebpf-ts-loader";
import { type CollectionSpec, decodeValue, variableValue } from "ebpf-ts-loader";
import { generateModule } from "ebpf-ts-loader/gen";
import { fixtureBytes } from "../fixtures.ts";
import { mutate } from "./mutate.ts";
import { Random } from "./random.ts";

const OBJECTS = [
  "tc.bpf.o",
  "tc.be.bpf.o",
  "core.bpf.o",
  "core_all.bpf.o",
  "core_target.bpf.o",
  "externs.bpf.o",
  "maps.bpf.o",
  "variables.bpf.o",
];
// Many programs make it slow: seldom.
const SELDOM = "sections.bpf.o";

const objects = new Map([...OBJECTS, SELDOM].map((name) => [name, fixtureBytes(name)]));

function mustBtf(name: string): Btf {
  const { btf } = parseObject(fixtureBytes(name), name);
  if (!btf) throw new TypeError(`no BTF in ${name}`);
  return btf;
}

const local = mustBtf("core_all.bpf.o");
const coreSpec = parseObject(fixtureBytes("core_all.bpf.o"));
const btfs = [local, mustBtf("core_target.bpf.o"), mustBtf("tc.bpf.o"), mustBtf("variables.bpf.o")];

/** What became of an input. */
export type Outcome = "accepted" | "refused";

/** One changed input, the same for the same seed and index. */
export interface Input {
  /** File it was made of. */
  readonly name: string;
  readonly kind: "object" | "BTF";
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The input of an index: two of three are objects, the others BTF. */
export function inputAt(seed: number, index: number): Input {
  const random = new Random(seed, index);
  if (random.below(3) === 0) {
    const bytes = mutate(random.pick(btfs).bytes, random.pick(btfs).bytes, random);
    return { name: "types", kind: "BTF", bytes };
  }
  const name = random.below(50) === 0 ? SELDOM : random.pick(OBJECTS);
  const other = objects.get(random.pick(OBJECTS)) ?? new Uint8Array();
  const bytes = mutate(objects.get(name) ?? new Uint8Array(), other, random);
  return { name, kind: "object", bytes };
}

/**
 * Reads an input as far as it goes: every type, variable, relocation, and the generated module.
 * Throws if anything but the loader's own errors comes out.
 */
export function tryInput({ name, kind, bytes }: Input): Outcome {
  return kind === "object" ? tryObject(bytes, name) : tryTypes(bytes);
}

function tryObject(bytes: Uint8Array<ArrayBuffer>, name: string): Outcome {
  let spec: CollectionSpec | undefined;
  mustAnswer(() => spec = parseObject(bytes, name));
  if (!spec) return "refused";
  const { btf, variables, programs } = spec;
  for (const variable of variables.keys()) {
    mustAnswerAsDocumented(() => variableValue(spec!, variable));
  }
  if (btf) {
    tryLayouts(btf);
    for (const program of programs.values()) {
      mustAnswer(() => relocateCore(program, btf, btf));
      mustAnswer(() => relocateCore(program, btf, local));
    }
  }
  mustAnswerAsDocumented(() => generateModule(bytes, name));
  return "accepted";
}

function tryTypes(bytes: Uint8Array<ArrayBuffer>): Outcome {
  let btf: Btf | undefined;
  mustAnswer(() => btf = new Btf(bytes));
  if (!btf) return "refused";
  tryLayouts(btf);
  for (const program of coreSpec.programs.values()) {
    mustAnswer(() => relocateCore(program, local, btf!));
    mustAnswer(() => relocateCore(program, btf!, local));
  }
  return "accepted";
}

const DECODED_SIZE = 4096;

function tryLayouts(btf: Btf): void {
  for (const { id } of btf.types) {
    mustAnswer(() => {
      const layout = btf.layout(id);
      if (layout.size > DECODED_SIZE) return;
      mustAnswerAsDocumented(() => decodeValue(layout, new Uint8Array(layout.size)));
    });
  }
}

function isOurs(error: unknown): boolean {
  return error instanceof ObjectFormatError || error instanceof NotSupportedError;
}

function requireForm(error: Error): void {
  const { message } = error;
  const form = message.startsWith("Cannot ") && message.includes(", expected ");
  if (form && !message.includes("\n") && message.length < 4000) return;
  throw new Error(`an error of another form: ${message.slice(0, 200)}`, { cause: error });
}

/** Runs `body`; anything it throws must be one of our errors, on one line. */
function mustAnswer(body: () => unknown): void {
  try {
    body();
  } catch (error) {
    if (!(error instanceof Error) || !isOurs(error)) throw error;
    requireForm(error);
  }
}

/** {@linkcode mustAnswer} for calls that document a TypeError or RangeError besides. */
function mustAnswerAsDocumented(body: () => unknown): void {
  try {
    body();
  } catch (error) {
    const documented = error instanceof RangeError || error instanceof TypeError;
    if (!(error instanceof Error) || !(isOurs(error) || documented)) throw error;
    requireForm(error);
  }
}
