const encoder = new TextEncoder();

/** Writes to standard output; settles when everything is written. */
export async function writeText(text: string): Promise<void> {
  await writeBytes(encoder.encode(text));
}

/** Writes to standard output; settles when everything is written. Not to be changed before. */
export async function writeBytes(bytes: Uint8Array): Promise<void> {
  let rest = bytes;
  while (rest.length > 0) rest = rest.subarray(await Deno.stdout.write(rest));
}
