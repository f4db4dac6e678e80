import { assertEquals, assertMatch } from "@std/assert";
import { runProgram } from "../../src/cli/program.ts";
import { withoutLeaks } from "../ebpf-ts-loader/fd_leaks.ts";
import { withCyclicType } from "./cyclic_btf.ts";

const MAIN = new URL("../../src/main.ts", import.meta.url).pathname;
const OBJECT = new URL("../../bpf/obj/datapath.bpf.o", import.meta.url);

function policy(spec: string, metadata = "{ name: rule1 }"): string {
  return `apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: ${metadata}\n${spec}`;
}

const SELECTOR = "  endpointSelector: { matchLabels: { org: empire, class: deathstar } }\n";

/** The talk's slide, typed verbatim: `toPorts` stands one level too high. */
const SLIDE = policy(`spec:
  endpointSelector:
    matchLabels:
      org: empire
      class: deathstar
  ingress:
  - fromEndpoints:
    - matchLabels:
        org: empire
  toPorts:
  - ports:
    - port: "80"
      protocol: TCP
`);

interface BadInput {
  readonly description: string;
  /** Files to be written into a folder of their own. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** `DIR` stands for that folder. */
  readonly args: readonly string[];
  /** The message: what is wrong, and where. */
  readonly says: RegExp;
}

const object = Deno.readFileSync(OBJECT);

const ROWS: readonly BadInput[] = [
  {
    description: "a truncated ELF",
    files: { "cut.o": object.subarray(0, object.length >> 1) },
    args: ["verify", "--object", "DIR/cut.o"],
    says: /cut\.o/,
  },
  {
    description: "an ELF of a few bytes",
    files: { "tiny.o": object.subarray(0, 20) },
    args: ["verify", "--object", "DIR/tiny.o"],
    says: /tiny\.o/,
  },
  {
    description: "a BTF with a cyclic type",
    files: { "cyclic.o": withCyclicType(object) },
    args: ["verify", "--object", "DIR/cyclic.o"],
    says: /cyclic\.o.*(cycle|cyclic|itself)/s,
  },
  {
    description: "a file that is no object",
    files: { "text.o": "not an object" },
    args: ["verify", "--object", "DIR/text.o"],
    says: /text\.o/,
  },
  {
    description: "an object that is not there",
    args: ["verify", "--object", "DIR/missing.o"],
    says: /missing\.o/,
  },
  {
    description: "a YAML syntax error",
    files: { "a.yaml": "apiVersion: v1\nkind: Pod\nmetadata: { name: x\n" },
    args: ["verify", "-f", "DIR/a.yaml"],
    says: /a\.yaml:\d+/,
  },
  {
    description: "an unknown field",
    files: { "a.yaml": policy(`spec:\n${SELECTOR}  ingres: [{}]\n`) },
    args: ["verify", "-f", "DIR/a.yaml"],
    says: /spec\.ingres.*a\.yaml:6.*did you mean spec\.ingress\?/s,
  },
  {
    description: "an empty namespace",
    files: {
      "a.yaml": policy(`spec:\n${SELECTOR}  ingress: [{}]\n`, `{ name: a, namespace: "" }`),
    },
    args: ["verify", "-f", "DIR/a.yaml"],
    says: /metadata\.namespace.*a\.yaml:3/s,
  },
  {
    description: "port 99999",
    files: {
      "a.yaml": policy(
        `spec:\n${SELECTOR}  ingress:\n  - toPorts: [{ ports: [{ port: "99999" }] }]\n`,
      ),
    },
    args: ["verify", "-f", "DIR/a.yaml"],
    says: /spec\.ingress\[0\]\.toPorts\[0\]\.ports\[0\]\.port.*99999.*a\.yaml:7/s,
  },
  {
    description: "the talk's slide with toPorts one level too high",
    files: { "slide.yaml": SLIDE },
    args: ["verify", "-f", "DIR/slide.yaml"],
    says: /spec\.toPorts.*slide\.yaml:13.*did you mean spec\.ingress\[0\]\.toPorts\?/s,
  },
  {
    description: "manifests that are not there",
    args: ["verify", "-f", "DIR/missing.yaml"],
    says: /missing\.yaml/,
  },
  {
    description: "two pods with one address",
    files: {
      "a.yaml": ["a", "b"].map((name) =>
        `{ apiVersion: v1, kind: Pod, metadata: { name: ${name} }, status: { podIP: 10.0.0.1 } }`
      ).join("\n---\n"),
    },
    args: ["verify", "-f", "DIR/a.yaml"],
    says: /10\.0\.0\.1/,
  },
  {
    description: "a reproducer that is not there",
    args: ["verify", "--repro", "DIR"],
    says: /reproducer\.json/,
  },
  {
    description: "a reproducer that is none",
    files: { "reproducer.json": "{}", "manifests.yaml": "" },
    args: ["verify", "--repro", "DIR"],
    says: /reproducer\.json.*version/,
  },
  { description: "an unknown option", args: ["verify", "--nope"], says: /--nope/ },
  { description: "an unknown command", args: ["verfy"], says: /did you mean verify\?/i },
  { description: "a count that is no number", args: ["verify", "--random", "x"], says: /--random/ },
  { description: "a seed out of range", args: ["verify", "--seed", "4294967296"], says: /--seed/ },
  { description: "an unknown format", args: ["verify", "-o", "xml"], says: /xml/ },
];

async function mustPrepare({ files = {}, args }: BadInput, folder: string): Promise<string[]> {
  for (const [name, content] of Object.entries(files)) {
    const path = `${folder}/${name}`;
    if (typeof content === "string") await Deno.writeTextFile(path, content);
    else await Deno.writeFile(path, content);
  }
  return args.map((arg) => arg.replace("DIR", folder));
}

for (const row of ROWS) {
  Deno.test(`twinpath refuses ${row.description} in at most three lines, with exit code 2`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      const args = await mustPrepare(row, folder);
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", MAIN, ...args],
        env: { NO_COLOR: "1" },
      }).output();
      const text = new TextDecoder().decode(stderr).trimEnd();
      assertMatch(text, row.says);
      assertEquals(text.split("\n").length <= 3, true, text);
      assertEquals(new TextDecoder().decode(stdout), "");
      assertEquals(code, 2);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("twinpath leaves no descriptor and no namespace behind when it refuses input", async () => {
  const namespace = () => Deno.readLinkSync("/proc/self/ns/net");
  const before = namespace();
  const written = console.error;
  const folder = await Deno.makeTempDir();
  console.error = () => {};
  try {
    await withoutLeaks(async () => {
      for (const row of ROWS.filter(({ files }) => files !== undefined)) {
        assertEquals(await runProgram(await mustPrepare(row, folder)), 2, row.description);
      }
    });
  } finally {
    console.error = written;
    await Deno.remove(folder, { recursive: true });
  }
  assertEquals(namespace(), before);
});
