/** The backend of the hashes, for commands whose processes hash: what the environment forces is the user's choice. */

import { UsageError } from '../core/errors.ts';
import { selectedBackend } from '../hash/backend.ts';

/**
 * The backend that hashes in this process and in those that it starts. A STREAM_SUM_SHA256_BACKEND that does not exist
 * or that this CPU lacks throws a UsageError that names it and those that there are.
 */
export function requiredBackend(): string {
  try {
    return selectedBackend();
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'ERR_SHA256_BACKEND') throw error;
    throw new UsageError(`STREAM_SUM_SHA256_BACKEND: ${error.message}`);
  }
}
