import { CILIUM_1_19, type VersionProfile } from "./version_profile.ts";

/**
 * When policies count: for endpoints that a rule selects (`default`), for all of them,
 * closed where no rule opens them (`always`), or not at all (`never`). Cilium's
 * `enable-policy`:
 * https://docs.cilium.io/en/stable/security/policy/intro/#policy-enforcement-modes
 */
export type EnforcementMode = "default" | "always" | "never";

/** What a cluster operator decides about policy, apart from the policies. */
export interface PolicySettings {
  /** Name of the local cluster. */
  readonly cluster: string;
  /**
   * Name of the node whose policies are computed. Absent: every pod is taken to run on
   * it, and every node is the host.
   */
  readonly localNode?: string;
  /** When policies count. */
  readonly enforcement: EnforcementMode;
  /**
   * The host may reach the pods that run on it, whatever the policies say: kubelet
   * probes come from there. Cilium's `allow-localhost`.
   */
  readonly allowLocalhost: boolean;
  /**
   * Address blocks in rules (`ipBlock` too) are for the addresses of nodes as well. Cilium's
   * `policy-cidr-match-mode: nodes`, which is off by default. There is no such setting for
   * pods: Cilium has none before 1.20 (https://github.com/cilium/cilium/pull/45194).
   */
  readonly cidrMatchesNodes: boolean;
  readonly profile: VersionProfile;
}

/** Cilium's defaults. */
export const DEFAULT_SETTINGS: PolicySettings = {
  cluster: "default",
  enforcement: "default",
  allowLocalhost: true,
  cidrMatchesNodes: false,
  profile: CILIUM_1_19,
};
