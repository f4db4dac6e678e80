const MAX_LENGTH = 1000;

/**
 * Makes text from a manifest fit for a terminal: manifests are hostile, and control
 * characters, line breaks and endless lines have no place in a message.
 */
export function printable(text: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what it removes
  const clean = text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]+/g, " ");
  return clean.length <= MAX_LENGTH ? clean : `${clean.slice(0, MAX_LENGTH)}…`;
}
