import { assert, assertEquals } from "@std/assert";
import type { ClusterObject } from "../../src/cluster/object.ts";
import { readObjects, type ReadResult } from "../../src/cluster/read_objects.ts";

/** Reads a text as `p.yaml`, with every feature: what is gated changes, what is wrong does not. */
export function readAll(text: string): ReadResult {
  return readObjects([{ name: "p.yaml", text }], { notYet: new Set() });
}

/** Reads a text that has nothing wrong or odd. */
export function mustRead(text: string): readonly ClusterObject[] {
  const { objects, errors, warnings } = readAll(text);
  assertEquals(errors, []);
  assertEquals(warnings, []);
  return objects;
}

/** Writes a CiliumNetworkPolicy `default/rule1` around the lines of its spec; `spec:` is line 5. */
export function policy(spec: string, kind = "CiliumNetworkPolicy"): string {
  return `apiVersion: cilium.io/v2
kind: ${kind}
metadata:
  name: rule1
spec:
${spec}`;
}

/** A manifest that has to be refused, and how. */
export interface Wrong {
  readonly description: string;
  readonly text: string;
  /** Every line that the author sees. */
  readonly message: readonly string[];
}

/** Makes a test of each: refused whole, with this message. */
export function testWrong(wrong: readonly Wrong[]): void {
  for (const { description, text, message } of wrong) {
    Deno.test(`readObjects() refuses ${description}`, () => {
      const { objects, errors } = readAll(text);
      assertEquals(errors.map((error) => error.message.split("\n")), [message]);
      assertEquals(objects, []);
      assert(message.length <= 3);
    });
  }
}
