import { assertEquals } from "@std/assert";
import { classSpaceOf } from "../../src/verify/verify.ts";
import { mustMakeDeathStar } from "./_scenario.ts";

const scenario = await mustMakeDeathStar();
const space = classSpaceOf(scenario);

Deno.test("ClassSpace.classes() numbers every class once, in order", () => {
  const indexes = [...space.classes()].map(({ index }) => index);
  assertEquals(indexes, Array.from({ length: space.total }, (_, i) => i));
});

Deno.test("ClassSpace.classOf() puts every corner into its own class", () => {
  const strays = [...space.classes()].filter(({ index, corners }) =>
    corners.some((c) => space.classOf({ ...c, sport: 40000, tcpFlags: 0 }) !== index)
  );
  assertEquals(strays, []);
});

Deno.test("ClassSpace.cornersOf() gives what classes() gave", () => {
  for (const { index, corners } of space.classes()) {
    if (index % 97 === 0) assertEquals(space.cornersOf(index), corners);
  }
});

Deno.test("ClassSpace gives every class at least one corner", () => {
  const empty = [...space.classes()].filter(({ corners }) => corners.length === 0);
  assertEquals(empty, []);
});
