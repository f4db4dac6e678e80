import { HEADER_ROWS } from "./_header_rows.ts";
import { HOOK_ROWS } from "./_hook_rows.ts";
import { POLICY_ROWS } from "./_policy_rows.ts";
import type { Row } from "./_row.ts";

/** Read by emulator and kernel. */
export const ROWS: readonly Row[] = [...POLICY_ROWS, ...HEADER_ROWS, ...HOOK_ROWS];
