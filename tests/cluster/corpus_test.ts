/**
 * Real policies, where there are some: set TWINPATH_CORPUS to a folder of manifests. Every
 * file is read, or refused for the reason in `REFUSED`.
 */
import { assertEquals } from "@std/assert";
import { readFiles } from "../../src/cluster/read_files.ts";
import { readObjects } from "../../src/cluster/read_objects.ts";

const CORPUS = Deno.env.get("TWINPATH_CORPUS");

/** Name of the policy → why it is refused. */
const REFUSED: Readonly<Record<string, string>> = {
  "default/invalid-policy": "spec.egress[0] has both toEndpoints and toEntities, " +
    "expected a rule for each of the two",
};

Deno.test({
  name: CORPUS === undefined
    ? "readObjects() reads a corpus of manifests (skipped: TWINPATH_CORPUS is not set)"
    : `readObjects() reads every manifest in ${CORPUS}`,
  ignore: CORPUS === undefined,
  async fn() {
    const { inputs, errors: unreadable } = await readFiles([CORPUS ?? ""]);
    assertEquals(unreadable, []);
    for (const input of inputs) {
      const { objects, skipped, errors, warnings } = readObjects([input], { notYet: new Set() });
      const refused = Object.entries(REFUSED)
        .map(([name, why]) => `Cannot read CiliumNetworkPolicy "${name}": ${why}`);
      const unexpected = errors.filter(({ summary }) => !refused.includes(summary));
      assertEquals(unexpected.map(({ message }) => message), [], input.name);
      assertEquals(warnings, [], input.name);
      assertEquals(objects.length + skipped.length + errors.length > 0, true, input.name);
    }
  },
});
