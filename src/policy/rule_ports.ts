import type { PortProtocol, PortRule, PortSpec, TrafficRule } from "../cluster/rule.ts";
import type { L7Demand, NamedRulePort, PortKey, RulePort } from "./compiled_rule.ts";
import { PROTOCOL } from "./map_state.ts";
import { portBlocks } from "./port_range.ts";

/** The key of every protocol and port. */
export const EVERY_PORT: PortKey = { protocol: PROTOCOL.ANY, port: 0, portPrefix: 0 };

/** What `ANY` stands for in `toPorts`. */
const TRANSPORTS = [PROTOCOL.TCP, PROTOCOL.UDP, PROTOCOL.SCTP] as const;

/** Ports of a rule, by number and by name. */
export interface RulePorts {
  readonly ports: readonly RulePort[];
  readonly namedPorts: readonly NamedRulePort[];
}

/** Returns the IP protocol numbers of a protocol's name. */
export function protocolsOf(protocol: PortProtocol): readonly number[] {
  return protocol === "ANY" ? TRANSPORTS : [PROTOCOL[protocol]];
}

/** Returns the keys of a range of ports. */
export function portKeys({ port, endPort, protocol }: PortSpec): PortKey[] {
  const blocks = port === 0 ? [{ port: 0, portPrefix: 0 }] : portBlocks(port, endPort ?? port);
  return protocolsOf(protocol).flatMap((number) =>
    blocks.map((block) => ({ protocol: number, ...block }))
  );
}

/** Returns the ports of a Cilium rule: all of them where it names none. */
export function rulePorts({ toPorts = [], icmps = [] }: TrafficRule): RulePorts {
  if (toPorts.length === 0 && icmps.length === 0) return { ports: [EVERY_PORT], namedPorts: [] };
  const types = icmps.flatMap(({ fields }) =>
    fields.map(({ family, type }): RulePort => ({
      protocol: family === 4 ? PROTOCOL.ICMP : PROTOCOL.ICMPV6,
      port: type,
      portPrefix: 16,
    }))
  );
  const items = toPorts.map((item) => ({ item, l7: l7Of(item) }));
  return {
    ports: [
      ...types,
      ...items.flatMap(({ item, l7 }) =>
        item.ports.flatMap(portKeys).map((key) => ({ ...key, ...l7 }))
      ),
    ],
    namedPorts: items.flatMap(({ item, l7 }) =>
      (item.namedPorts ?? []).map(({ name, protocol }) => ({
        name,
        protocols: protocolsOf(protocol),
        ...l7,
      }))
    ),
  };
}

function l7Of({ rules, serverNames, listener }: PortRule): { readonly l7?: L7Demand } {
  if (rules === undefined && serverNames === undefined && listener === undefined) return {};
  return {
    l7: {
      ...(rules === undefined ? {} : { rules }),
      ...(serverNames === undefined ? {} : { serverNames }),
      ...(listener === undefined ? {} : { listener }),
    },
  };
}
