import type { PeerRule } from "./peer_policy.ts";

/**
 * The policy as an nftables ruleset in the shape that its own documentation recommends: known
 * connections first, endpoints by a verdict map on the interface, peers by a verdict map on
 * (address, protocol, port). What a map does not name is dropped.
 *
 * @param interfaces Host sides of the pods' veths.
 */
export function nftRuleset(rules: readonly PeerRule[], interfaces: readonly string[]): string {
  const elements = (verdict: string) =>
    rules.map(({ address, protocol, port }) => `${address} . ${protocol} . ${port} : ${verdict}`)
      .join(",\n      ");
  const jumps = (chain: string) => interfaces.map((name) => `"${name}" : jump ${chain}`).join(", ");
  return `table ip pods {
  map egress_peers {
    type ipv4_addr . inet_proto . inet_service : verdict
    elements = {
      ${elements("return")}
    }
  }
  map ingress_peers {
    type ipv4_addr . inet_proto . inet_service : verdict
    elements = {
      ${elements("accept")}
    }
  }
  chain egress {
    ip daddr . meta l4proto . th dport vmap @egress_peers
    drop
  }
  chain ingress {
    ip saddr . meta l4proto . th dport vmap @ingress_peers
    drop
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    ct state established,related accept
    iifname vmap { ${jumps("egress")} }
    oifname vmap { ${jumps("ingress")} }
  }
}
`;
}
