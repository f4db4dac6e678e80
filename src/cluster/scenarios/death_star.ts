import text from "./death_star.yaml" with { type: "text" };
import type { ManifestText } from "../read_objects.ts";

/** The built-in scenario: what `twinpath verify` and `twinpath demo` use without `-f`. */
export const DEATH_STAR: ManifestText = { name: "<built-in death_star.yaml>", text };
