import type { Requirement } from "../requirement.ts";
import type { ContenderSpec } from "./contender.ts";
import { NFT, TCX } from "./requirements.ts";

/** Everything that could stand between two pods, by name. */
export type ContenderName = "none" | "twinpath-1k" | "nft-1k" | "twinpath-16k" | "nft-16k";

/** What one of them is, and what it needs. */
export interface NamedContender {
  readonly name: ContenderName;
  readonly label: string;
  readonly spec: ContenderSpec;
  readonly requires: readonly Requirement[];
}

const SIZES = { "1k": 1024, "16k": 16_384 } as const;

function withPolicy(size: keyof typeof SIZES): NamedContender[] {
  const entries = SIZES[size];
  return [
    {
      name: `twinpath-${size}`,
      label: `Twinpath ${size}`,
      spec: { kind: "twinpath", entries },
      requires: [TCX],
    },
    {
      name: `nft-${size}`,
      label: `nftables ${size}`,
      spec: { kind: "nftables", entries },
      requires: [TCX, NFT],
    },
  ];
}

/** All of them, in the order in which they are shown. */
export const CONTENDERS: readonly NamedContender[] = [
  { name: "none", label: "no program", spec: { kind: "none" }, requires: [TCX] },
  ...withPolicy("1k"),
  ...withPolicy("16k"),
];

/** What is compared; without a policy of its own with the larger one. */
export const PAIRS: readonly {
  readonly subject: ContenderName;
  readonly baseline: ContenderName;
}[] = [
  { subject: "twinpath-16k", baseline: "none" },
  { subject: "twinpath-1k", baseline: "nft-1k" },
  { subject: "twinpath-16k", baseline: "nft-16k" },
];

/** The contender of a name. */
export function contenderNamed(name: ContenderName): NamedContender {
  const found = CONTENDERS.find((contender) => contender.name === name);
  if (found) return found;
  throw new TypeError(`Cannot find contender "${name}": unknown, expected one of CONTENDERS`);
}
