/**
 * Says in how many random cases each feature of policy matters: leaving it out changes a
 * verdict.
 *
 *     deno run -A tests/generate/feature_report.ts [--cases N] [--seed N]
 *
 * Exits 1 when a feature matters in fewer than 1 % of the cases.
 *
 * @module
 */
import fc from "fast-check";
import { parseArgs } from "node:util";
import { verdictText } from "./answers.ts";
import { FEATURES, type ReadWorld } from "./features.ts";
import { isReachable, peersOf, probesOf, type Side, subjectsOf } from "./flows.ts";
import { readManifests } from "./read.ts";
import { API_SERVER, CONTAINER_PORTS, OUTSIDE } from "./universe.ts";
import { type World, world } from "./world.ts";

/** Sides that are asked in each case. */
const SIDES = 300;
/** One case in so many must show a feature. */
const ONE_IN = 100;

/** In how many cases each feature matters. */
export interface FeatureCounts {
  readonly cases: number;
  readonly sides: number;
  readonly counts: ReadonlyMap<string, number>;
}

/** Counts the cases in which features matter; the same seed gives the same counts. */
export function countFeatures(cases: number, seed: number): FeatureCounts {
  const counts = new Map(Object.keys(FEATURES).map((name) => [name, 0]));
  let sides = 0;
  // In portions: a world with its values for shrinking is large.
  for (let from = 0; from < cases; from += 500) {
    const numRuns = Math.min(500, cases - from);
    for (const one of fc.sample(world, { seed: seed + from, numRuns })) {
      const read = { ...one, objects: readManifests(one.manifests) };
      const asked = sampleSides(one, read, seed + from);
      sides += asked.length;
      for (const name of mattering(read, asked)) counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  return { cases, sides, counts };
}

function* mattering(read: ReadWorld, sides: readonly Side[]): Generator<string> {
  const verdicts = sides.map((side) => verdictText(read, side));
  const text = textOf(read);
  for (const [name, leaveOut] of Object.entries(FEATURES)) {
    const without = leaveOut(read);
    if (textOf(without) === text) continue;
    if (sides.some((side, i) => verdictText(without, side) !== verdicts[i])) yield name;
  }
}

/** Everything that features change; what is equal need not be asked again. */
function textOf({ objects, settings }: ReadWorld): string {
  return JSON.stringify([settings, objects]);
}

/** Some sides of the world; of every kind of peer as many. */
function sampleSides(world: World, { objects }: ReadWorld, seed: number): Side[] {
  const random = mulberry32(seed);
  const pick = <T>(list: readonly T[]): T | undefined => list[random(list.length)];
  const subjects = subjectsOf(objects);
  const peers = peersOf(world, objects);
  const kinds = [
    peers.filter(({ peer }) => peer.kind === "pod"),
    peers.filter(({ peer }) => peer.kind === "pod"),
    peers.filter(({ peer }) => peer.kind === "node"),
    peers.filter(({ address }) => address !== undefined && NOTED.includes(address.text)),
    peers,
  ];
  const probes = probesOf(world);
  const declared = probes.filter(({ protocol, port }) =>
    protocol <= 17 && CONTAINER_PORTS.some(({ containerPort }) => containerPort === port)
  );
  const sides: Side[] = [];
  for (let i = 0; i < 2 * SIDES && sides.length < SIDES; i++) {
    const subject = pick(subjects);
    const peer = pick(pick(kinds) ?? []);
    const probe = pick(random(2) === 0 ? declared : probes);
    const direction = random(2) === 0 ? "ingress" : "egress";
    if (subject === undefined || peer === undefined || probe === undefined) continue;
    if (isReachable(subject, peer)) sides.push({ subject, peer, direction, probe });
  }
  return sides;
}

const NOTED: readonly string[] = [...OUTSIDE, API_SERVER];

/** Public domain generator: uniform integers below a bound. */
function mulberry32(seed: number): (below: number) => number {
  let state = seed | 0;
  return (below) => {
    state = state + 0x6d2b79f5 | 0;
    let t = Math.imul(state ^ state >>> 15, 1 | state);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) % below;
  };
}

function main(): void {
  const { values } = parseArgs({
    options: {
      cases: { type: "string", default: "20000" },
      seed: { type: "string", default: String(Date.now() % 0x7fffffff) },
    },
  });
  const [cases, seed] = [Number(values.cases), Number(values.seed)];
  if (!Number.isSafeInteger(cases) || cases <= 0 || !Number.isSafeInteger(seed)) {
    console.error(`Cannot count "${values.cases}" cases, expected a whole number above 0`);
    Deno.exit(2);
  }
  console.log(`seed ${seed}`);
  const started = performance.now();
  const { sides, counts } = countFeatures(cases, seed);
  const least = cases / ONE_IN;
  for (const [name, count] of counts) {
    const mark = count < least ? " (too few)" : "";
    console.log(`${String(count).padStart(7)} ${name}${mark}`);
  }
  const seconds = (performance.now() - started) / 1000;
  console.log(`${cases} cases, ${sides} sides of flows, ${seconds.toFixed(0)} s`);
  if ([...counts.values()].some((count) => count < least)) Deno.exit(1);
}

if (import.meta.main) main();
