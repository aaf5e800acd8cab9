/**
 * The hash backend of commands whose processes hash. The environment can force a backend, which is then the user's
 * choice.
 */

import { UsageError } from '../core/errors.ts';
import { selectedBackend } from '../hash/backend.ts';

/**
 * The backend that hashes in this process and in the processes that it starts. When STREAM_SUM_SHA256_BACKEND names a
 * backend that does not exist or that this CPU lacks, throws a UsageError that names it and the available ones.
 */
export function requiredBackend(): string {
  try {
    return selectedBackend();
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'ERR_SHA256_BACKEND') throw error;
    throw new UsageError(`STREAM_SUM_SHA256_BACKEND: ${error.message}`);
  }
}
