import { ROW_ENDPOINT } from "../row_node.ts";

const { SUBJECT, PEER } = ROW_ENDPOINT;

/**
 * Where a packet enters the subject's policy: what becomes of one that is allowed, the events of
 * policies before and behind, whether a redirect is possible, and ports by what policy says.
 */
export const PLACES = [
  {
    name: "from the subject",
    endpoint: SUBJECT,
    hook: "from_container",
    ends: ["SUBJECT", "PEER"],
    allowed: "deliver",
    before: [],
    after: ["verdict"],
    redirects: true,
    ports: { open: 90, closed: 9, denied: 91, authenticated: 92 },
  },
  {
    name: "to the subject from its peer's program",
    endpoint: PEER,
    hook: "from_container",
    ends: ["PEER", "SUBJECT"],
    allowed: "deliver",
    before: ["verdict"],
    after: [],
    redirects: true,
    ports: { open: 80, closed: 9, denied: 81, authenticated: 82 },
  },
  {
    name: "to the subject from the stack",
    endpoint: SUBJECT,
    hook: "to_container",
    ends: ["PEER", "SUBJECT"],
    allowed: "pass",
    before: [],
    after: [],
    redirects: false,
    ports: { open: 80, closed: 9, denied: 81, authenticated: 82 },
  },
] as const;

/** One of {@linkcode PLACES}. */
export type Place = typeof PLACES[number];
