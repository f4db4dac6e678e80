import { assertEquals } from "@std/assert";
import { BOOKSHOP } from "./_bookshop.ts";
import { runCommand } from "./_command.ts";

/**
 * Derived by hand. Every service may call out (`egress: [{}]`), so the column decides:
 * `storefront` takes calls from everybody (`ingress: [{}]`), `visitors` from nobody (only
 * `deny-all` speaks of its ingress), every other service on its one port from the callers
 * that its policy lists. No service lists itself: two of its replicas cannot talk.
 */
const EXPECTED = `
Open ports, from the rows to the columns

                          1         2         3         4         5         6         7         8          9         10         11   12
1   default/advice        -         -         -         -         3550/TCP  -         -         -          -         -          all  -
2   default/banners       -         -         -         -         -         -         -         -          -         -          all  -
3   default/basket        -         -         -         6379/TCP  -         -         -         -          -         -          all  -
4   default/basket-store  -         -         -         -         -         -         -         -          -         -          all  -
5   default/catalogue     -         -         -         -         -         -         -         -          -         -          all  -
6   default/checkout      -         -         7070/TCP  -         3550/TCP  -         8080/TCP  50051/TCP  7000/TCP  50051/TCP  all  -
7   default/mailer        -         -         -         -         -         -         -         -          -         -          all  -
8   default/payments      -         -         -         -         -         -         -         -          -         -          all  -
9   default/rates         -         -         -         -         -         -         -         -          -         -          all  -
10  default/shipping      -         -         -         -         -         -         -         -          -         -          all  -
11  default/storefront    8080/TCP  9555/TCP  7070/TCP  -         3550/TCP  5050/TCP  -         -          7000/TCP  50051/TCP  all  -
12  default/visitors      -         -         -         -         -         -         -         -          -         -          all  -
`.trimStart();

for (const datapath of ["emulator", "spec"]) {
  Deno.test(`twinpath matrix: a shop closed by default, by the ${datapath}`, async () => {
    const args = ["matrix", "-f", "-", "--datapath", datapath];
    assertEquals(await runCommand(args, BOOKSHOP), { code: 0, stdout: EXPECTED, stderr: "" });
  });
}

Deno.test("twinpath trace: a shop closed by default, and what is nearest", async () => {
  const args = ["trace", "-f", "-", "--from", "visitors", "--to", "payments", "--port", "50051"];
  const { code, stdout, stderr } = await runCommand(args, BOOKSHOP);
  assertEquals([code, stderr], [0, ""]);
  assertEquals(
    stdout,
    `
default/visitors → default/payments 50051/TCP: denied

SIDE     VERDICT  WHY
egress   allowed  default/visitors egress[0]
ingress  denied   no rule allows it

Nearest to allowing it at ingress: default/payments ingress[0], but
  it asks for app=checkout, the peer has app=visitors
`.trimStart(),
  );
});

/** Open ports by callee, then caller; derived by hand from the policies of the corpus. */
const BOUTIQUE: Readonly<Record<string, readonly [port: string, callers: readonly string[]]>> = {
  adservice: ["9555/TCP", ["frontend"]],
  cartservice: ["7070/TCP", ["frontend", "checkoutservice"]],
  checkoutservice: ["5050/TCP", ["frontend"]],
  currencyservice: ["7000/TCP", ["frontend", "checkoutservice"]],
  emailservice: ["8080/TCP", ["checkoutservice"]],
  loadgenerator: ["", []],
  paymentservice: ["50051/TCP", ["checkoutservice"]],
  productcatalogservice: ["3550/TCP", ["frontend", "checkoutservice", "recommendationservice"]],
  recommendationservice: ["8080/TCP", ["frontend"]],
  "redis-cart": ["6379/TCP", ["cartservice"]],
  shippingservice: ["50051/TCP", ["frontend", "checkoutservice"]],
};
const EVERYTHING = ["TCP", "UDP", "SCTP", "ICMP", "ICMPv6", "other"];

const corpus = Deno.env.get("TWINPATH_CORPUS");
const where = corpus === undefined ? " (skipped: TWINPATH_CORPUS is not set)" : "";

Deno.test({
  name: `twinpath matrix: Online Boutique${where}`,
  ignore: corpus === undefined,
  fn: async () => {
    const args = ["matrix", "-f", `${corpus}/online-boutique`, "-o", "json"];
    const { code, stdout, stderr } = await runCommand(args);
    const names = ["frontend", ...Object.keys(BOUTIQUE)].sort();
    const open = (from: string, to: string) => {
      if (to === "frontend") return EVERYTHING;
      const [port, callers] = BOUTIQUE[to] ?? ["", []];
      return callers.includes(from) ? [port] : [];
    };
    const row = (from: string) =>
      names.map((to) => [`default/${to}`, { allowed: open(from, to), redirected: [] }]);
    const matrix = names.map((from) => [`default/${from}`, Object.fromEntries(row(from))]);
    assertEquals([code, stderr], [0, ""]);
    assertEquals(JSON.parse(stdout), { matrix: Object.fromEntries(matrix) });
  },
});
