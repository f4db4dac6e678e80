import type { NamedPortTable } from "../identity/named_ports.ts";
import type { EntryTables } from "./peer_profile.ts";
import type { SelectorCache } from "./selector_cache.ts";
import type { VersionProfile } from "./version_profile.ts";

/** What every policy works with. */
export interface PolicyParts extends EntryTables {
  readonly selectors: SelectorCache;
  /** Ports of peers by name, for egress. */
  readonly namedPorts: NamedPortTable;
  readonly profile: VersionProfile;
  /** What nothing allows is denied, whether rules say so or not. */
  readonly closed: boolean;
}
