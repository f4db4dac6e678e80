/** Whether invariants are checked: in the debug build only. */
// @ts-ignore: decorator
@lazy export const DEBUG: bool = !ASC_NO_ASSERT;
