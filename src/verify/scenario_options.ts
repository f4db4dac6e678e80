import type { PolicySettings } from "../policy/settings.ts";
import type { EvaluateOptions } from "../spec/evaluate.ts";
import type { DnsFacts } from "../spec/flow.ts";

/** What an operator decides, and what is known beside the manifests. */
export interface ScenarioOptions {
  /**
   * Name of the node whose view is taken: its pods are the endpoints, other nodes are remote.
   *
   * @default none: every pod runs on one node, and every node is the host
   */
  readonly node?: string | undefined;
  /** Settings of policy; those left out have Cilium's defaults. */
  readonly settings?: ScenarioSettings;
  /**
   * Addresses that were answered for DNS names.
   *
   * @default none
   */
  readonly names?: DnsFacts;
  /**
   * Every endpoint is in audit mode: what policy drops passes, and its event says so.
   *
   * @default false
   */
  readonly audit?: boolean;
}

/** The settings of policy that change verdicts. */
export type ScenarioSettings = Partial<
  Pick<PolicySettings, "allowLocalhost" | "enforcement" | "cidrMatchesNodes">
>;

/** The options as the policy engine takes them. */
export function engineSettings({ node, settings }: ScenarioOptions): Partial<PolicySettings> {
  return { ...settings, ...(node === undefined ? {} : { localNode: node }) };
}

/** The options as the naive reading takes them. */
export function specOptions({ node, settings = {}, names }: ScenarioOptions): EvaluateOptions {
  const { allowLocalhost, enforcement, cidrMatchesNodes = false } = settings;
  return {
    cidrMatchMode: cidrMatchesNodes ? ["nodes"] : [],
    ...(allowLocalhost === undefined ? {} : { allowLocalhost }),
    ...(enforcement === undefined ? {} : { mode: enforcement }),
    ...(node === undefined ? {} : { node }),
    ...(names === undefined ? {} : { names }),
  };
}
