import type { FqdnSelector } from "../cluster/rule_peer.ts";

/**
 * Tells whether a selector of DNS names covers a name. Case and a dot at the end do not
 * count. In a pattern `*` stands for any characters of one label, `**.` at the start for
 * one or more whole labels, and stars alone for every name:
 * https://docs.cilium.io/en/stable/security/policy/layer3/#dns-based
 */
export function coversName(selector: FqdnSelector, name: string): boolean {
  const full = fullName(name);
  if ("matchName" in selector) return fullName(selector.matchName) === full;
  const pattern = selector.matchPattern.toLowerCase();
  if (/^\*+$/.test(pattern)) return true;
  return coversLabels(fullName(pattern).split("."), full.split("."));
}

function coversLabels(pattern: readonly string[], labels: readonly string[]): boolean {
  const [first = "", ...rest] = pattern;
  if (!/^\*{2,}$/.test(first)) {
    return pattern.length === labels.length &&
      pattern.every((part, i) => coversLabel(part, labels[i] ?? ""));
  }
  const swallowed = labels.length - rest.length;
  return swallowed >= 1 &&
    labels.slice(0, swallowed).every((label) => /^[-a-z0-9_]+$/.test(label)) &&
    rest.every((part, i) => coversLabel(part, labels[swallowed + i] ?? ""));
}

function coversLabel(pattern: string, label: string): boolean {
  const literal = pattern.split(/\*+/).map((part) => part.replace(/[^-a-z0-9_]/g, "\\$&"));
  return new RegExp(`^${literal.join("[-a-z0-9_]*")}$`).test(label);
}

function fullName(name: string): string {
  const lower = name.toLowerCase();
  return lower.endsWith(".") ? lower : `${lower}.`;
}
