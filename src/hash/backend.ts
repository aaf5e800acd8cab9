// Which compression kernel hashes in this process.

import * as addon from '#addon';

/**
 * The backend of this process: the one that the environment variable STREAM_SUM_SHA256_BACKEND names, else the fastest
 * that the CPU can run, chosen when a hash is first used. This function and the constructors of hashes and pools throw
 * ERR_SHA256_BACKEND if the variable names a backend that does not exist or that this CPU cannot run.
 */
export function selectedBackend(): string {
  return addon.selectedBackend();
}

/** The backends that this CPU can run, `portable` first. */
export function availableBackends(): string[] {
  return addon.availableBackends();
}
