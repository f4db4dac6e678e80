const encoder = new TextEncoder();

/** Nobody reads standard output any more, as when `head` has seen enough. */
export class OutputClosedError extends Error {
  override readonly name = "OutputClosedError";
}

/**
 * Writes to standard output; settles when everything is written.
 *
 * @throws {OutputClosedError} If nobody reads it.
 */
export async function writeText(text: string): Promise<void> {
  await writeBytes(encoder.encode(text));
}

/**
 * Writes to standard output; settles when everything is written. Not to be changed before.
 *
 * @throws {OutputClosedError} If nobody reads it.
 */
export async function writeBytes(bytes: Uint8Array): Promise<void> {
  let rest = bytes;
  try {
    while (rest.length > 0) rest = rest.subarray(await Deno.stdout.write(rest));
  } catch (cause) {
    if (!(cause instanceof Deno.errors.BrokenPipe)) throw cause;
    throw new OutputClosedError('Cannot write "standard output": closed, expected a reader', {
      cause,
    });
  }
}
