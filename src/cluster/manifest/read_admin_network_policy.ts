import type {
  ClusterNetworkPolicy,
  ClusterNetworkPolicyProtocol,
} from "../cluster_network_policy.ts";
import type { Cursor } from "./cursor.ts";
import { onlyField } from "./only_field.ts";
import {
  type ClusterPolicyDialect,
  readPortName,
  readPortRange,
  readPriority,
} from "./read_cluster_network_policy.ts";
import type { Schema } from "./schema.ts";

const NUMBER_SCHEMA: Schema = { protocol: {}, port: {} };
const RANGE_SCHEMA: Schema = { protocol: {}, start: {}, end: {} };

const PORT_SCHEMA: Schema = {
  portNumber: { fields: NUMBER_SCHEMA },
  namedPort: {},
  portRange: { fields: RANGE_SCHEMA },
};

const TRANSPORTS = ["TCP", "UDP", "SCTP"] as const;

/**
 * AdminNetworkPolicy (`policy.networking.k8s.io/v1alpha1`), the forerunner of
 * ClusterNetworkPolicy's Admin tier: `Allow` became `Accept`, ports became protocols.
 */
export const ADMIN_DIALECT: ClusterPolicyDialect = {
  kind: "AdminNetworkPolicy",
  actions: ["Allow", "Deny", "Pass"],
  max: 100,
  ports: "ports",
  portSchema: PORT_SCHEMA,
  readPort,
  specFields: ["priority"],
  readOrder: (spec, fields) => ({ tier: "Admin", priority: readPriority(spec, fields) }),
};

/**
 * BaselineAdminNetworkPolicy (`v1alpha1`), the forerunner of the Baseline tier. There is
 * one in a cluster, without a priority, and there is no tier left to pass to.
 */
export const BASELINE_DIALECT: ClusterPolicyDialect = {
  ...ADMIN_DIALECT,
  kind: "BaselineAdminNetworkPolicy",
  actions: ["Allow", "Deny"],
  specFields: [],
  readOrder: () => ({ tier: "Baseline", priority: 0 }),
};

/** Checks the name that the API demands of the one baseline policy. */
export function checkBaselineName(object: Cursor, policy: ClusterNetworkPolicy): void {
  if (policy.name !== "default") {
    object.fail(`has the name ${JSON.stringify(policy.name)}`, `"default", the only one`);
  }
}

function readPort(field: Cursor): ClusterNetworkPolicyProtocol {
  const fields = field.fields(PORT_SCHEMA);
  const [name, found] = onlyField(field, fields, ["portNumber", "namedPort", "portRange"]);
  if (name === "namedPort") return { namedPort: readPortName(found) };
  const parts = found.fields(name === "portNumber" ? NUMBER_SCHEMA : RANGE_SCHEMA);
  const protocol = parts.get("protocol")?.oneOf(TRANSPORTS) ?? "TCP";
  if (name === "portRange") return { protocol, ports: readPortRange(found, parts) };
  const port = (parts.get("port") ?? found.fail("has no port", "port")).integer(1, 0xffff);
  return { protocol, ports: { start: port, end: port } };
}
