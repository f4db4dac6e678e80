import { CILIUM_1_19, type VersionProfile } from "./version_profile.ts";

/** What a cluster operator decides about policy, apart from the policies. */
export interface PolicySettings {
  /** Name of the local cluster. */
  readonly cluster: string;
  /**
   * The host may reach the pods that run on it, whatever the policies say: kubelet
   * probes come from there. Cilium's `allow-localhost`.
   */
  readonly allowLocalhost: boolean;
  readonly profile: VersionProfile;
}

/** Cilium's defaults. */
export const DEFAULT_SETTINGS: PolicySettings = {
  cluster: "default",
  allowLocalhost: true,
  profile: CILIUM_1_19,
};
