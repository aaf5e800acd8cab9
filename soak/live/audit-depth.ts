/** How thoroughly a run is audited: as it was asked for, or as its rate allows. Pure. */

import type { Range } from '../../src/core/units.ts';

/**
 * `follow`: an auditor reads all journals and stores during the run. `end`: journals and stores are checked after the
 * drain. `none`: only the chunkers check.
 */
export type AuditDepth = 'follow' | 'end' | 'none';

/** Above this rate an auditor on the same machine would distort the figures, or fall behind. */
export const FOLLOWED_CHUNKS_PER_SECOND_MAX: number = 40_000;
export const FOLLOWED_BYTES_PER_SECOND_MAX: number = 16 * 1024 * 1024;

export type AuditOptions = {
  readonly audit: 'auto' | AuditDepth;
  readonly rate: number | 'max';
  readonly chunkBytes: Range;
};

/** How a run is audited. `why`: the reason for not following the journals, or null when they are followed. */
export function auditDepthOf(options: AuditOptions): { readonly depth: AuditDepth; readonly why: string | null } {
  const { audit, rate, chunkBytes } = options;
  if (audit === 'follow') return { depth: 'follow', why: null };
  if (audit !== 'auto') return { depth: audit, why: `--audit ${audit}` };
  if (rate === 'max') return { depth: 'end', why: 'not followed at --rate max' };
  const bytesPerSecond = (rate * (chunkBytes.low + chunkBytes.high)) / 2;
  const isFollowed = rate <= FOLLOWED_CHUNKS_PER_SECOND_MAX && bytesPerSecond <= FOLLOWED_BYTES_PER_SECOND_MAX;
  return isFollowed ? { depth: 'follow', why: null } : { depth: 'end', why: 'not followed at this rate' };
}
