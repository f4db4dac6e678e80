/** A DNS name or a pattern of names, canonical: equal patterns have equal texts. */
export interface FqdnPattern {
  /** Lower case, without the final dot. */
  readonly text: string;
  /** Tells whether a name (lower case, without the final dot) matches. */
  readonly matches: (name: string) => boolean;
}

const LABEL_CHARACTERS = "[-a-z0-9_]";

/** Returns a name as patterns see it: lower case, without the final dot. */
export function canonicalName(name: string): string {
  const lower = name.toLowerCase();
  return lower.endsWith(".") ? lower.slice(0, -1) : lower;
}

/** Makes the pattern of one name (`matchName`). */
export function fqdnName(written: string): FqdnPattern {
  const text = canonicalName(written);
  return { text, matches: (name) => name === text };
}

/**
 * Makes a pattern (`matchPattern`), as Cilium 1.19 reads it
 * (cilium/cilium pkg/fqdn/matchpattern): nothing but stars is every name; two or more
 * leading stars and a dot are one or more whole labels; any other run of stars is any
 * part of one label.
 */
export function fqdnPattern(written: string): FqdnPattern {
  const text = canonicalName(written);
  if (/^\*+$/.test(text)) return { text: "*", matches: () => true };
  if (!text.includes("*")) return fqdnName(text);
  const tail = text.replace(/^\*{2,}\./, "");
  const head = tail === text ? "" : `(?:${LABEL_CHARACTERS}+\\.)+`;
  const body = tail.replaceAll(
    /\*+|[^*]+/g,
    (part) => part.startsWith("*") ? `${LABEL_CHARACTERS}*` : RegExp.escape(part),
  );
  const expression = new RegExp(`^${head}${body}$`);
  return { text, matches: (name) => expression.test(name) };
}
