/**
 * Within what monotonic times are comparable: one boot of the machine and one time namespace. A container that was
 * checkpointed and restored has a time namespace of its own, in which the monotonic clock is shifted under the same
 * boot id.
 */

import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';

/**
 * Equal in two processes only if their monotonic clocks are one. Where the system does not tell, it is new each time.
 */
export function clockDomain(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot} ${timeNamespace()}`;
  } catch {
    return randomBytes(16).toString('hex');
  }
}

/** `time:[4026531834]`; the same text on every kernel that has none. */
function timeNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/time');
  } catch {
    return 'time:none';
  }
}
