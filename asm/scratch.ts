import { allocate, release } from "./arena";

/*
 * A growing area of raw memory that is kept from one build to the next.
 */
@unmanaged
export class Scratch {
  base: usize;
  capacity: usize;
}

/**
 * Makes room for `size` bytes, keeping the first `used`. Returns false, with the area
 * as it was, if memory is out.
 */
export function ensure(scratch: Scratch, used: usize, size: usize): bool {
  if (size <= scratch.capacity) return true;
  const capacity = max(size, scratch.capacity << 1);
  const base = allocate(capacity);
  if (!base) return false;
  memory.copy(base, scratch.base, used);
  release(scratch.base, scratch.capacity);
  scratch.base = base;
  scratch.capacity = capacity;
  return true;
}
