/**
 * The domain within which monotonic times can be compared: one boot of the machine and one time namespace. A container
 * that was checkpointed and restored has another time namespace, whose monotonic clock is shifted under the same boot
 * id.
 */

import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';

/**
 * Equal in two processes only if they read the same monotonic clock. Where the system does not say, each call gives a
 * new value.
 */
export function clockDomain(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot} ${timeNamespace()}`;
  } catch {
    return randomBytes(16).toString('hex');
  }
}

/** `time:[4026531834]`; the same text on every kernel without time namespaces. */
function timeNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/time');
  } catch {
    return 'time:none';
  }
}
