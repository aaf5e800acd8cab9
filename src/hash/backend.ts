// Which compression kernel hashes in this process.

import * as addon from '#addon';

/**
 * The backend of this process: what the environment variable STREAM_SUM_SHA256_BACKEND names, else the fastest that the
 * CPU can run, chosen at the first use of a hash. Throws ERR_SHA256_BACKEND if the variable names one that does not
 * exist or that this CPU lacks; so does the constructor of every hash and pool.
 */
export function selectedBackend(): string {
  return addon.selectedBackend();
}

/** The backends that this CPU can run, `portable` first. */
export function availableBackends(): string[] {
  return addon.availableBackends();
}
