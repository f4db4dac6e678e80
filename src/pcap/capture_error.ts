/** A capture file that is not what its format says. */
export class CaptureError extends Error {
  override readonly name = "CaptureError";

  constructor(file: string, state: string, expected: string) {
    super(`Cannot read ${JSON.stringify(file)}: ${state}, expected ${expected}`);
  }
}
