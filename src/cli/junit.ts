/** One test of a JUnit report. Neither `failure` nor `error`: it has passed. */
export interface TestCase {
  readonly name: string;
  /** Why the expectation is not met. */
  readonly failure?: string;
  /** Why it could not be tried. */
  readonly error?: string;
}

/** Returns a JUnit report, as CI systems read it. */
export function junitReport(suite: string, cases: readonly TestCase[]): string {
  const failures = cases.filter(({ failure }) => failure !== undefined).length;
  const errors = cases.filter(({ error }) => error !== undefined).length;
  const counts = `tests="${cases.length}" failures="${failures}" errors="${errors}"`;
  return [
    `<?xml version="1.0" encoding="UTF-8"?>`,
    `<testsuites ${counts}>`,
    `  <testsuite name="${escaped(suite)}" ${counts}>`,
    ...cases.map((one) => `    ${caseText(suite, one)}`),
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

function caseText(suite: string, { name, failure, error }: TestCase): string {
  const start = `<testcase classname="${escaped(suite)}" name="${escaped(name)}"`;
  if (failure !== undefined) return `${start}><failure message="${escaped(failure)}"/></testcase>`;
  if (error !== undefined) return `${start}><error message="${escaped(error)}"/></testcase>`;
  return `${start}/>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

/** Text fit for an attribute; what XML 1.0 cannot hold at all becomes U+FFFD. */
function escaped(text: string): string {
  return text
    // deno-lint-ignore no-control-regex -- control characters are what it removes
    .replaceAll(/[\u0000-\u001f\ud800-\udfff\ufffe\uffff]/gu, "\ufffd")
    .replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
