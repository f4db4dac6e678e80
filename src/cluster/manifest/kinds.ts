import type { Feature } from "../not_yet.ts";
import type { ClusterObject } from "../object.ts";
import type { Cursor } from "./cursor.ts";
import { ADMIN_DIALECT, BASELINE_DIALECT, checkBaselineName } from "./read_admin_network_policy.ts";
import { CIDR_GROUP_SCHEMA, readCidrGroup } from "./read_cidr_group.ts";
import {
  CILIUM_NETWORK_POLICY_SCHEMA,
  CLUSTERWIDE_POLICY_SCHEMA,
  readCiliumNetworkPolicy,
  readClusterwidePolicy,
} from "./read_cilium_policy.ts";
import {
  CLUSTER_DIALECT,
  type ClusterPolicyDialect,
  clusterPolicySchema,
  readClusterPolicy,
} from "./read_cluster_network_policy.ts";
import { NETWORK_POLICY_SCHEMA, readNetworkPolicy } from "./read_network_policy.ts";
import { readNode } from "./read_node.ts";
import { readNamespace, readPod } from "./read_pod.ts";
import { readEndpoints, readEndpointSlice, readService } from "./read_service.ts";
import { readWorkload, type Workload, WORKLOAD_KINDS } from "./read_workload.ts";
import type { Schema } from "./schema.ts";

/** How objects of one kind are read. */
export interface Kind {
  /** API group, empty for the core one. */
  readonly group: string;
  /** The first is what errors suggest. */
  readonly versions: readonly string[];
  /**
   * The object says what is allowed. Such an object of another group or version is an
   * error: to skip it would allow or deny silently.
   */
  readonly isPolicy?: true;
  /** Fields, where all of them are checked. */
  readonly schema: Schema;
  /** The kind as a whole may not be supported yet. */
  readonly feature?: Feature;
  readonly read: (
    object: Cursor,
    defaultNamespace: string,
  ) => readonly (ClusterObject | Workload)[];
}

const core = (read: (object: Cursor, defaultNamespace: string) => ClusterObject): Kind => ({
  group: "",
  versions: ["v1"],
  schema: {},
  read: (object, namespace) => [read(object, namespace)],
});

const clusterPolicy = (dialect: ClusterPolicyDialect, versions: readonly string[]): Kind => ({
  group: "policy.networking.k8s.io",
  versions,
  isPolicy: true,
  schema: clusterPolicySchema(dialect),
  feature: "ClusterNetworkPolicy",
  read: (object) => [readClusterPolicy(object, dialect)],
});

/** Every kind that has a part in policy. Objects of other kinds are skipped. */
export const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ["Pod", core(readPod)],
  ["Namespace", core(readNamespace)],
  ["Node", core(readNode)],
  ["Service", core(readService)],
  ["Endpoints", { ...core(readService), read: readEndpoints }],
  ["EndpointSlice", { ...core(readEndpointSlice), group: "discovery.k8s.io" }],
  ["CiliumNetworkPolicy", {
    group: "cilium.io",
    versions: ["v2"],
    isPolicy: true,
    schema: CILIUM_NETWORK_POLICY_SCHEMA,
    read: (object, namespace) => [readCiliumNetworkPolicy(object, namespace)],
  }],
  ["CiliumClusterwideNetworkPolicy", {
    group: "cilium.io",
    versions: ["v2"],
    isPolicy: true,
    schema: CLUSTERWIDE_POLICY_SCHEMA,
    feature: "CiliumClusterwideNetworkPolicy",
    read: (object) => [readClusterwidePolicy(object)],
  }],
  ["CiliumCIDRGroup", {
    group: "cilium.io",
    versions: ["v2", "v2alpha1"],
    isPolicy: true,
    schema: CIDR_GROUP_SCHEMA,
    read: (object) => [readCidrGroup(object)],
  }],
  ["NetworkPolicy", {
    group: "networking.k8s.io",
    versions: ["v1"],
    isPolicy: true,
    schema: NETWORK_POLICY_SCHEMA,
    feature: "NetworkPolicy",
    read: (object, namespace) => [readNetworkPolicy(object, namespace)],
  }],
  ["ClusterNetworkPolicy", clusterPolicy(CLUSTER_DIALECT, ["v1alpha2", "v1beta1"])],
  ["AdminNetworkPolicy", clusterPolicy(ADMIN_DIALECT, ["v1alpha1"])],
  ["BaselineAdminNetworkPolicy", {
    ...clusterPolicy(BASELINE_DIALECT, ["v1alpha1"]),
    read(object) {
      const policy = readClusterPolicy(object, BASELINE_DIALECT);
      checkBaselineName(object, policy);
      return [policy];
    },
  }],
  ...WORKLOAD_KINDS.map((kind): [string, Kind] => [kind, {
    group: kind === "Job" || kind === "CronJob" ? "batch" : "apps",
    versions: ["v1"],
    schema: {},
    read: (object, namespace) => [readWorkload(kind, object, namespace)],
  }]),
]);

/** Returns the group of an `apiVersion`, `cilium.io` of `cilium.io/v2`; empty for `v1`. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.lastIndexOf("/");
  return slash < 0 ? "" : apiVersion.slice(0, slash);
}

/** Returns the `apiVersion`s of a kind. */
export function apiVersionsOf({ group, versions }: Kind): string[] {
  return versions.map((version) => group === "" ? version : `${group}/${version}`);
}
