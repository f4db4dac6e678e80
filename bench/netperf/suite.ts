/**
 * The benchmarks of real traffic: each kind of traffic through everything that could stand between
 * two pods, all of them in turns.
 *
 * @module
 */
import type { Benchmark, BenchOptions } from "../benchmark.ts";
import { benchResult, withQuartiles } from "../result.ts";
import { once } from "../scale/figure.ts";
import { Contender } from "./contender.ts";
import { type ContenderName, contenderNamed, CONTENDERS, PAIRS } from "./contenders.ts";
import { MEASURED } from "./figures.ts";
import { summarize, takeTurns, type Traffic, TrafficThreads } from "./measure_net.ts";
import type { Measured } from "./order.ts";

/** The name of a figure's comparison. */
export function netName(figure: string, baseline: ContenderName): string {
  return `net.${figure}.${baseline}`;
}

/** All benchmarks, in the order in which they run. */
export function netSuite(): Benchmark[] {
  return MEASURED.flatMap(({ traffic, figures }) => {
    const title = figures.map(({ name }) => name).join(", ");
    const measured = once((options) => measureAll(title, traffic, options));
    return figures.flatMap(({ name: figure, label, read }) =>
      PAIRS.map(({ subject, baseline }): Benchmark => {
        const [ours, theirs] = [subject, baseline].map(contenderNamed);
        const name = netName(figure, baseline);
        return {
          name,
          about: `${label}: ${ours?.label}, against ${theirs?.label}`,
          requires: theirs?.requires ?? [],
          run: async (options) => {
            const passes = await measured(options);
            const summary = (name: ContenderName) =>
              summarize(passes.get(name) ?? [], read, traffic);
            const [value, other] = [summary(subject), summary(baseline)];
            const result = benchResult(name, value.value, {
              name: theirs?.label ?? baseline,
              value: other.value,
            });
            return withQuartiles(result, value.quartiles, other.quartiles);
          },
        };
      })
    );
  });
}

/** What everything that can be had here has measured, pass by pass. */
async function measureAll(
  name: string,
  traffic: Traffic,
  { rounds, progress }: BenchOptions,
): Promise<Map<ContenderName, Measured[]>> {
  using owned = new DisposableStack();
  const present = CONTENDERS.filter(({ requires }) =>
    requires.every(({ missing }) => missing() === undefined)
  );
  const contenders: Contender[] = [];
  for (const { label, spec } of present) {
    progress.show(`${name}: ${label}`);
    contenders.push(owned.use(await Contender.create(spec)));
  }
  const threads = owned.use(new TrafficThreads());
  const measured = await takeTurns(threads, contenders, traffic, { rounds, progress, name });
  return new Map(present.map(({ name }, i) => [name, measured[i] ?? []]));
}
