import type { ContainerPort } from "../cluster/object.ts";

const PROTOCOLS = { TCP: 6, UDP: 17, SCTP: 132 } as const;

/** A port by number. `portPrefix` is 16, that of a single port. */
export interface SinglePort {
  /** IP protocol number. */
  readonly protocol: number;
  readonly port: number;
  readonly portPrefix: 16;
}

/** Returns the ports that have a name and one of the protocols. */
export function portsNamed(
  ports: Iterable<ContainerPort>,
  name: string,
  protocols: readonly number[],
): readonly SinglePort[] {
  const found = new Map<string, SinglePort>();
  for (const declared of ports) {
    const protocol = PROTOCOLS[declared.protocol];
    if (declared.name?.toLowerCase() !== name || !protocols.includes(protocol)) continue;
    const port: SinglePort = { protocol, port: declared.port, portPrefix: 16 };
    found.set(`${protocol} ${port.port}`, port);
  }
  return [...found.values()].sort((a, b) => a.protocol - b.protocol || a.port - b.port);
}

/**
 * The named container ports of every identity, for rules whose peers are destinations.
 *
 * A name means what the *destination's* containers declare. Policy knows destinations by
 * identity: the pods of one identity that declare the name speak for the others. Where
 * they declare different numbers, the name means nothing in a rule that allows, and all
 * of the numbers in a rule that denies, so that nothing is open that should be closed.
 * (Cilium 1.19 asks the same of all pods of the cluster together: pkg/types/portmap.go,
 * namedPortMultiMap.GetNamedPort.)
 */
export class NamedPortTable {
  /** How many pods of an identity declare which list of ports. */
  readonly #declared = new Map<
    number,
    Map<string, { readonly ports: readonly ContainerPort[]; pods: number }>
  >();

  /** Notes the ports of one more pod of the identity. Returns whether something changed. */
  add(identity: number, ports: readonly ContainerPort[]): boolean {
    const text = textOf(ports);
    const lists = this.#declared.get(identity) ?? new Map();
    this.#declared.set(identity, lists);
    const known = lists.get(text);
    if (known !== undefined) known.pods++;
    else lists.set(text, { ports, pods: 1 });
    return known === undefined;
  }

  /** Takes the ports of one pod out again. Returns whether something changed. */
  remove(identity: number, ports: readonly ContainerPort[]): boolean {
    const lists = this.#declared.get(identity);
    const text = textOf(ports);
    const known = lists?.get(text);
    if (lists === undefined || known === undefined || --known.pods > 0) return false;
    lists.delete(text);
    if (lists.size === 0) this.#declared.delete(identity);
    return true;
  }

  /** Names of ports that pods of the identity declare. */
  namesOf(identity: number): ReadonlySet<string> {
    const lists = [...this.#declared.get(identity)?.values() ?? []];
    return new Set(
      lists.flatMap(({ ports }) => ports.flatMap(({ name }) => name?.toLowerCase() ?? [])),
    );
  }

  /**
   * Returns the ports of an identity that have a name and one of the protocols.
   *
   * @param all Where its pods differ: all of their numbers, instead of none.
   */
  resolve(
    identity: number,
    name: string,
    protocols: readonly number[],
    all: boolean,
  ): readonly SinglePort[] {
    const lists = [...this.#declared.get(identity)?.values() ?? []];
    const found = portsNamed(lists.flatMap(({ ports }) => ports), name, protocols);
    if (all) return found;
    return found.filter(({ protocol }) =>
      found.filter((other) => other.protocol === protocol).length === 1
    );
  }
}

function textOf(ports: readonly ContainerPort[]): string {
  return ports.map(({ name, port, protocol }) => `${name ?? ""} ${port} ${protocol}`).sort()
    .join(",");
}
