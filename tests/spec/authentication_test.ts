import { assertEquals } from "@std/assert";
import { authenticationOf } from "../../src/spec/authentication.ts";
import type { Cover } from "../../src/spec/statement.ts";

type Mode = Cover["authentication"];

/** A rule for the peer by name, `narrowness` bits narrow. */
function named(narrowness: number, authentication?: Mode, l7?: Cover["l7"]): Cover {
  return {
    isForEveryone: false,
    narrowness,
    ...(authentication === undefined ? {} : { authentication }),
    ...(l7 === undefined ? {} : { l7 }),
  };
}

/** A rule for every peer. */
function broad(narrowness: number, authentication?: Mode, l7?: Cover["l7"]): Cover {
  return { ...named(narrowness, authentication, l7), isForEveryone: true };
}

const HTTP: Cover["l7"] = { kind: "http", rules: [] };

const TABLE: readonly (readonly [description: string, covers: readonly Cover[], mode: Mode])[] = [
  ["nobody asks", [named(0), broad(24)], undefined],
  ["one asks", [named(0, "required")], "required"],
  ["a narrower rule inherits", [named(0, "required"), named(24)], "required"],
  ["a narrower rule says otherwise", [named(0, "required"), named(24, "disabled")], "disabled"],
  ["a broader rule says otherwise", [named(0, "disabled"), named(24, "required")], "required"],
  ["equals: the stronger", [named(24, "disabled"), named(24, "required")], "required"],
  [
    "a rule for everyone asks, the named one is silent",
    [named(24), broad(0, "required")],
    "required",
  ],
  ["the named one says otherwise", [named(24, "disabled"), broad(0, "required")], "disabled"],
  [
    "the narrower rule for everyone decides",
    [named(0, "disabled"), broad(24, "required")],
    "required",
  ],
  ["and inherits from the named one", [named(0, "required"), broad(24)], "required"],
  ["a tie is the named one's", [named(24, "disabled"), broad(24, "required")], "disabled"],
  ["a proxy decides", [named(24, "required"), broad(8, undefined, HTTP)], undefined],
  ["with what is around it", [
    named(24, "required"),
    broad(8, undefined, HTTP),
    broad(0, "required"),
  ], "required"],
  ["inside a proxy a silent rule is none", [
    named(8, "required", HTTP),
    named(24),
    broad(16, undefined, HTTP),
  ], "required"],
];

for (const [description, covers, mode] of TABLE) {
  Deno.test(`authenticationOf(): ${description}`, () => {
    assertEquals(authenticationOf(covers), mode);
    assertEquals(authenticationOf(covers.toReversed()), mode);
  });
}
