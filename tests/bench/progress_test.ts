import { assertEquals } from "@std/assert";
import { Progress } from "../../bench/progress.ts";

function output(isTerminal: boolean) {
  const written: string[] = [];
  return {
    written,
    isTerminal: () => isTerminal,
    writeSync: (bytes: Uint8Array) => written.push(new TextDecoder().decode(bytes)),
  };
}

Deno.test("Progress writes over one line of a terminal and clears it in the end", () => {
  const terminal = output(true);
  {
    using progress = new Progress(terminal);
    progress.show("filling");
  }
  assertEquals(terminal.written, ["\r\x1b[Kfilling", "\r\x1b[K"]);
});

Deno.test("Progress writes nothing into a file or a pipe", () => {
  const pipe = output(false);
  {
    using progress = new Progress(pipe);
    progress.show("filling");
  }
  assertEquals(pipe.written, []);
});

Deno.test("Progress.bar() writes when another hundredth is done", () => {
  const terminal = output(true);
  const progress = new Progress(terminal);
  for (let done = 0; done <= 1000; done++) progress.bar("filling", done, 1000);
  assertEquals(terminal.written.length, 101);
  assertEquals(terminal.written[50], "\r\x1b[K[##########..........] 50 % filling");
});
