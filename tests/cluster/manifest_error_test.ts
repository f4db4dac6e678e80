import { assertEquals } from "@std/assert";
import { ManifestError } from "../../src/cluster/manifest_error.ts";

Deno.test("ManifestError has three lines at most, whatever it is told", () => {
  const error = new ManifestError("Cannot read\n\u001b[31mX", {
    location: { file: "a\nb", line: 3, column: 4 },
    field: "spec",
    suggestion: `spec\u2028${"x".repeat(2000)}`,
  });
  const [first, second, third, ...rest] = error.message.split("\n");
  assertEquals([first, second], ["Cannot read [31mX", "  at a b:3:4"]);
  assertEquals([third?.slice(0, 20), third?.at(-2), rest], ["  did you mean spec ", "…", []]);
  assertEquals([error.summary, error.field, error.name], [
    "Cannot read [31mX",
    "spec",
    "ManifestError",
  ]);
});

Deno.test("ManifestError names the file alone where there is no line", () => {
  const error = new ManifestError("Cannot read", { location: { file: "f", line: 0, column: 0 } });
  assertEquals(error.message, "Cannot read\n  at f");
});
