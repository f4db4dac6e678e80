import fc from "fast-check";
import { type IpAddress, parseIpAddress } from "../../src/cluster/ip_address.ts";
import { ciliumClusterwideNetworkPolicy, ciliumNetworkPolicy } from "./cilium_policy.ts";
import { cluster } from "./cluster.ts";
import { clusterNetworkPolicy, networkPolicy } from "./kubernetes_policy.ts";
import { type Manifest, toYaml } from "./manifest.ts";
import { DNS_NAMES, OUTSIDE } from "./universe.ts";

/** What an operator decides, as far as it changes verdicts. */
export interface WorldSettings {
  readonly allowLocalhost: boolean;
  readonly mode: "default" | "always" | "never";
  readonly cidrMatchMode: readonly "nodes"[];
}

/** A random cluster, its policies and what is known beside them. */
export interface World {
  readonly manifests: readonly Manifest[];
  /** Addresses that were answered for DNS names. */
  readonly names: ReadonlyMap<string, readonly IpAddress[]>;
  readonly settings: WorldSettings;
  /** As YAML with comments; fast-check prints this for a case that fails. */
  toString(): string;
}

const policy: fc.Arbitrary<Manifest> = fc.oneof(
  { weight: 8, arbitrary: ciliumNetworkPolicy },
  { weight: 5, arbitrary: ciliumClusterwideNetworkPolicy },
  { weight: 5, arbitrary: networkPolicy },
  { weight: 4, arbitrary: clusterNetworkPolicy },
);

// Order and passing matter only where several policies meet.
const tieredPolicy: fc.Arbitrary<Manifest> = fc.oneof(
  { weight: 4, arbitrary: clusterNetworkPolicy },
  { weight: 1, arbitrary: policy },
);

const policies = fc.oneof(
  { weight: 4, arbitrary: fc.array(policy, { minLength: 2, maxLength: 4 }) },
  { weight: 1, arbitrary: fc.array(tieredPolicy, { minLength: 3, maxLength: 5 }) },
)
  .map((policies) =>
    policies.map((policy, i): Manifest => ({
      ...policy,
      metadata: { ...policy.metadata, name: `policy${i}` },
    }))
  );

const names = fc.array(
  fc.tuple(fc.constantFrom(...DNS_NAMES), fc.subarray([...OUTSIDE], { minLength: 1 })),
  { maxLength: 4 },
).map((answers) =>
  new Map(answers.map(([name, addresses]) => [name, addresses.map(parseIpAddress)]))
);

const settings: fc.Arbitrary<WorldSettings> = fc.record({
  allowLocalhost: fc.constantFrom(true, true, false),
  mode: fc.oneof(
    { weight: 20, arbitrary: fc.constant("default" as const) },
    { weight: 2, arbitrary: fc.constant("always" as const) },
    { weight: 1, arbitrary: fc.constant("never" as const) },
  ),
  cidrMatchMode: fc.constantFrom<readonly "nodes"[]>([], [], [], ["nodes"]),
});

/** Random clusters with every feature of policy. */
export const world: fc.Arbitrary<World> = fc.tuple(cluster, policies, names, settings)
  .map(([cluster, policies, names, settings]): World => {
    const manifests = [...cluster, ...policies];
    return { manifests, names, settings, toString: () => describe(manifests, names, settings) };
  });

function describe(
  manifests: readonly Manifest[],
  names: World["names"],
  settings: WorldSettings,
): string {
  const answers = [...names].map(([name, addresses]) =>
    `# ${name} is ${addresses.map(({ text }) => text).join(", ")}`
  );
  return ["", `# ${JSON.stringify(settings)}`, ...answers, toYaml(manifests)].join("\n");
}
