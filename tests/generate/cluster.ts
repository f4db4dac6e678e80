import fc from "fast-check";
import type { Json, Manifest } from "./manifest.ts";
import {
  API_SERVER,
  CONTAINER_PORTS,
  LABEL_KEYS,
  LABEL_VALUES,
  NAMESPACES,
  NODES,
  SERVICE_ACCOUNTS,
} from "./universe.ts";

const labels = fc.dictionary(fc.constantFrom(...LABEL_KEYS), fc.constantFrom(...LABEL_VALUES), {
  maxKeys: 3,
  noNullPrototype: true,
});

function namespace(name: string): Manifest {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels: { team: name } } };
}

const namespaces = fc.constantFrom(NAMESPACES, NAMESPACES, NAMESPACES.slice(0, 1))
  .map((names) => names.map(namespace));

const ports = fc.subarray([...CONTAINER_PORTS], { minLength: 1, maxLength: 3 })
  // A pod declares a name once for each protocol.
  .filter((ports) => new Set(ports.map((p) => `${p.name}/${p.protocol}`)).size === ports.length);

const pod = fc.record({
  namespace: fc.constantFrom(...NAMESPACES),
  labels,
  serviceAccountName: fc.constantFrom(...SERVICE_ACCOUNTS),
  ports,
  nodeName: fc.constantFrom("n1", "n1", "n1", "n2"),
  hostNetwork: fc.constantFrom(false, false, false, false, false, true),
  families: fc.constantFrom<readonly (4 | 6)[]>([4], [4], [4, 6], [6]),
});

function podManifest(
  { namespace, labels, ports, nodeName, hostNetwork, families, ...spec }: PodShape,
  i: number,
): Manifest {
  const node = NODES.find(({ name }) => name === nodeName);
  const own = { 4: `10.1.0.${i + 1}`, 6: `fd00:1::${i + 1}` };
  const addresses = hostNetwork && node !== undefined
    ? [node.ipv4]
    : families.map((family) => own[family]);
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace, name: `pod${i}`, labels: labels as Json },
    spec: {
      ...spec,
      nodeName,
      ...(hostNetwork ? { hostNetwork } : {}),
      containers: [{ name: "main", ports: ports.map((port) => ({ ...port })) }],
    },
    status: { podIPs: addresses.map((ip) => ({ ip })) },
  };
}

type PodShape = typeof pod extends fc.Arbitrary<infer T> ? T : never;

const pods = fc.array(pod, { minLength: 1, maxLength: 4 })
  .map((pods) => pods.map(podManifest));

const nodes: readonly Manifest[] = NODES.map(({ name, ipv4, ipv6, labels }) => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name, labels },
  status: {
    addresses: [
      { type: "InternalIP", address: ipv4 },
      { type: "InternalIP", address: ipv6 },
      { type: "Hostname", address: name },
    ],
  },
}));

const selector = fc.constantFrom<Json>({ app: "a" }, { app: "b" }, { tier: "a" }, {
  app: "a",
  tier: "b",
});

function service(name: string) {
  return fc.tuple(fc.constantFrom(...NAMESPACES), labels, selector)
    .map(([namespace, labels, selector]): Manifest => ({
      apiVersion: "v1",
      kind: "Service",
      metadata: { namespace, name, labels: labels as Json },
      spec: { selector, clusterIP: "None", ports: [{ port: 80 }] },
    }));
}

function slice(
  namespace: string,
  service: string,
  name: string,
  endpoints: readonly { readonly address: string; readonly ready: boolean }[],
): Manifest {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { namespace, name, labels: { "kubernetes.io/service-name": service } },
    addressType: "IPv4",
    endpoints: endpoints.map(({ address, ready }) => ({
      addresses: [address],
      conditions: { ready },
    })),
    ports: [{ port: 443, protocol: "TCP" }],
  };
}

/** A service without pods behind it, and where it leads. */
const outsideService = fc.tuple(
  fc.constantFrom(...NAMESPACES),
  labels,
  fc.subarray(["20.1.2.5", "20.1.9.9", "40.0.0.1"]),
  fc.boolean(),
).map(([namespace, labels, addresses, ready]): readonly Manifest[] => [
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace, name: "outside", labels: labels as Json },
    spec: { clusterIP: "None", ports: [{ port: 443 }] },
  },
  slice(
    namespace,
    "outside",
    "outside-1",
    addresses.map((address, i) => ({ address, ready: ready || i > 0 })),
  ),
]);

/** Where the Kubernetes API is: on a node or on an address outside. */
const apiServer = fc.constantFrom("10.0.0.1", "10.0.0.2", API_SERVER)
  .map((address): readonly Manifest[] => [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { namespace: "default", name: "kubernetes" },
      spec: { clusterIP: "10.96.0.1", ports: [{ port: 443 }] },
    },
    slice("default", "kubernetes", "kubernetes", [{ address, ready: true }]),
  ]);

const blocks = fc.subarray(["20.1.0.0/16", "20.1.2.4/30", "40.0.0.0/8", "2001:db8:1::/48"], {
  minLength: 1,
});

function group(name: string) {
  return fc.tuple(labels, blocks).map(([labels, externalCIDRs]): Manifest => ({
    apiVersion: "cilium.io/v2",
    kind: "CiliumCIDRGroup",
    metadata: { name, labels: labels as Json },
    spec: { externalCIDRs },
  }));
}

/** Everything in a cluster but its policies. */
export const cluster: fc.Arbitrary<readonly Manifest[]> = fc.tuple(
  namespaces,
  pods,
  fc.tuple(service("front"), service("back"), group("g1"), group("g2")),
  outsideService,
  apiServer,
).map((parts) => [...nodes, ...parts.flat()]);
