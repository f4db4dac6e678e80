import type { IpAddress } from "../cluster/ip_address.ts";
import type { EndpointState, NodeState } from "../datapath/datapath.ts";
import { RESERVED } from "../identity/reserved.ts";
import type { HostEndpoint, PolicySnapshot } from "../policy/snapshot.ts";
import { addressBytes } from "./address.ts";
import { madeUpMac } from "./made_up_mac.ts";

const FIRST_IFINDEX = 100;

/**
 * The node on which every endpoint of the snapshot runs. Interfaces and MACs are made up. A
 * node that host policies select is an endpoint too, behind the pods: its programs are those
 * of a pod, at the node's first address of each family.
 */
export function nodeOf(snapshot: PolicySnapshot): NodeState {
  return {
    endpoints: [...snapshot.endpoints.map(endpointState), ...hostStates(snapshot)],
    identities: snapshot.identities.flatMap(({ id, slot }) =>
      slot === undefined ? [] : [{ identity: id, slot }]
    ),
    ipcache: snapshot.ipcache.map(({ address, prefixLength, identity }) => ({
      address: addressBytes(address),
      identity,
      ...(prefixLength === undefined ? {} : { prefixLength }),
    })),
    policies: snapshot.policies.map(({ number, revision, mapState }) => ({
      number,
      revision,
      mapState,
    })),
  };
}

/** Ids of the endpoints that are nodes, with the nodes. */
export function hostEndpoints({ endpoints, hosts }: PolicySnapshot): Map<number, HostEndpoint> {
  const last = endpoints.reduce((most, { id }) => Math.max(most, id), 0);
  return new Map(hosts.map((host, i) => [last + 1 + i, host]));
}

function* hostStates(snapshot: PolicySnapshot): Generator<EndpointState> {
  for (const [id, { name, policy }] of hostEndpoints(snapshot)) {
    const { node, host: identity = RESERVED.HOST } = snapshot.nodes.get(name) ?? {};
    const addresses = node?.addresses.map(({ address }) => address) ?? [];
    yield endpointState({ id, addresses, identity, policy });
  }
}

interface EndpointFacts {
  readonly id: number;
  readonly addresses: readonly IpAddress[];
  readonly identity: number;
  readonly policy: number;
}

function endpointState({ id, addresses, identity, policy }: EndpointFacts): EndpointState {
  const ipv4 = addresses.find(({ family }) => family === 4);
  const ipv6 = addresses.find(({ family }) => family === 6);
  return {
    id,
    ipv4: ipv4 && addressBytes(ipv4),
    ipv6: ipv6 && addressBytes(ipv6),
    mac: madeUpMac(id, 1),
    nodeMac: madeUpMac(id, 2),
    ifindex: FIRST_IFINDEX + id,
    identity,
    policy,
  };
}
