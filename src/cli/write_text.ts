const encoder = new TextEncoder();

/** Writes to standard output; settles when everything is written. */
export async function writeText(text: string): Promise<void> {
  let bytes = encoder.encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(await Deno.stdout.write(bytes));
}
