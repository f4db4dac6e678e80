import { assertEquals, assertMatch } from "@std/assert";
import type { NodeState, PolicyState } from "../../src/datapath/datapath.ts";
import { PACKET_OK } from "../../src/datapath/layout.ts";
import { newPacket } from "../../src/datapath/packet_builder.ts";
import type { MapStateEntry } from "../../src/policy/map_state.ts";
import { openComparison } from "../../src/verify/verify.ts";
import type { TestPacket } from "../../src/verify/test_packet.ts";
import { canonical, entry } from "../datapath/_map_state.ts";
import { CLIENT, CLIENT_IDENTITY, ip4, NODE, PROXY_PORT, REDIRECT } from "../datapath/_node.ts";
import { mustOpenEmulator } from "./_scenario.ts";

const UDP = { direction: "egress", protocol: 17, port: 53, portPrefix: 16, cookie: 5 } as const;

/** The client's policy. */
function policy(...entries: readonly Partial<MapStateEntry>[]): PolicyState {
  const mapState = canonical(entries.map((fields) => entry({ ...UDP, ...fields })));
  return { number: CLIENT, revision: 1, mapState };
}

function nodeWith(governing: PolicyState, redirects = NODE.redirects): NodeState {
  return { ...NODE, policies: [governing], redirects };
}

/** A datagram from the client to port 53 of somebody beyond the node. */
const PACKETS: readonly TestPacket[] = [{
  endpoint: CLIENT,
  hook: "from_container",
  data: newPacket().eth()
    .ipv4({ source: Uint8Array.of(10, 1, 0, CLIENT), destination: Uint8Array.of(192, 0, 2, 1) })
    .udp({ source: 4000, destination: 53 }).build(),
  now: 1_000_000_000n,
  mark: 0,
  flow: 0,
  describe: () => "the datagram",
}];

/** What is found where the emulator has loaded one node, and the maps are those of another. */
async function mismatchesOf(loaded: NodeState, node: NodeState) {
  const { memory, emulator } = await mustOpenEmulator();
  emulator.load(loaded);
  const comparison = openComparison({ rulesOf: () => [], node }, memory, [emulator]);
  const { mismatches } = comparison.run(PACKETS);
  return { mismatches, asked: comparison.asked };
}

const ALLOWED = nodeWith(policy({}));
const PROXIED = nodeWith(policy({ verdict: "redirect", redirect: REDIRECT.egress }));

for (
  const [description, node] of [
    ["is allowed", ALLOWED],
    ["is denied", nodeWith(policy({ verdict: "deny" }))],
    ["is of no entry", nodeWith(policy({ port: 54 }))],
    ["is for those who authenticate", nodeWith(policy({ authType: 1 }))],
    ["goes to a proxy", PROXIED],
    ["goes to a proxy that is gone", { ...PROXIED, redirects: [] }],
  ] as const
) {
  Deno.test(`Comparison: Cilium's map agrees with the emulator where a packet ${description}`, async () => {
    assertEquals(await mismatchesOf(node, node), {
      mismatches: [],
      asked: { emulator: 1, "lpm-map": 1 },
    });
  });
}

for (
  const [what, loaded, node, difference] of [
    ["reason", policy({ port: 54 }), policy({}), "event reason DROP_POLICY, expected 0"],
    ["verdict", policy({ verdict: "deny" }), policy({}), "event verdict 2, expected 1"],
    ["match type", policy({ portPrefix: 0, port: 0 }), policy({}), "event matchType 6, expected 3"],
    ["rules", policy({ cookie: 6 }), policy({}), "event cookie 6, expected 5"],
    [
      "authentication",
      policy({}),
      policy({ authType: 1 }),
      "event reason REASON_FORWARDED, expected DROP_AUTH_REQUIRED",
    ],
  ] as const
) {
  Deno.test(`Comparison: Cilium's map notices another ${what} than its own`, async () => {
    const { mismatches } = await mismatchesOf(nodeWith(loaded), nodeWith(node));
    const [found] = mismatches;
    assertEquals(mismatches.length, 1);
    assertMatch(found?.differences.join("\n") ?? "", new RegExp(`^emulator, by lpm-map: `, "m"));
    assertEquals(
      found?.differences.includes(
        `emulator, by lpm-map: ${difference.replace(/expected 0$/, "expected REASON_FORWARDED")}`,
      ),
      true,
      found?.differences.join("\n"),
    );
    assertMatch(found?.answers["lpm-map"] ?? "", /^egress of endpoint 1 (allowed|dropped)/);
  });
}

Deno.test("Comparison: Cilium's map notices that a packet goes to another proxy", async () => {
  const redirects = [{ id: REDIRECT.egress, port: 4444 }];
  const { mismatches } = await mismatchesOf({ ...PROXIED, redirects }, PROXIED);
  assertEquals(mismatches.map(({ differences }) => differences), [[
    `emulator, by lpm-map: mark sends it to port 4444, expected ${PROXY_PORT.egress}`,
  ]]);
});

Deno.test("Comparison: Cilium's map notices a damaged image, without kernel and policy text", async () => {
  const { memory, emulator } = await mustOpenEmulator();
  emulator.load(ALLOWED);
  const image = memory.images.get(CLIENT);
  image?.bytes.fill(0);
  const meanings = { rulesOf: () => [], node: ALLOWED };
  const { mismatches } = openComparison(meanings, memory, [emulator]).run(PACKETS);
  assertEquals(mismatches.length, 1);
});

Deno.test("Comparison: Cilium's map is asked for a peer without a slot by its scope", async () => {
  const world = { identity: 9, ...UDP };
  const local = 1 << 24 | 77; // of no slot: IPv4's world stands for it
  const ipcache = [{ address: Uint8Array.of(192, 0, 2, 1), identity: local }];
  const node = { ...nodeWith(policy(world, { identity: CLIENT_IDENTITY })), ipcache };
  const { memory, emulator } = await mustOpenEmulator();
  emulator.load(node);
  const comparison = openComparison({ rulesOf: () => [], node }, memory, [emulator]);
  const { mismatches, answer } = comparison.run(PACKETS);
  assertEquals(mismatches, []);
  assertEquals(answer(0).output.verdict, PACKET_OK);
  assertEquals(comparison.asked, { emulator: 1, "lpm-map": 1 });
});

Deno.test("Comparison asks Cilium's maps about decisions alone", async () => {
  const { memory, emulator } = await mustOpenEmulator();
  emulator.load(NODE);
  const comparison = openComparison({ rulesOf: () => [], node: NODE }, memory, [emulator]);
  const spoofed = { ...PACKETS[0]!, data: ip4(99, 2).udp({ source: 1, destination: 2 }).build() };
  assertEquals(comparison.run([spoofed]).mismatches, []);
  assertEquals(comparison.asked, { emulator: 1, "lpm-map": 0 });
});
