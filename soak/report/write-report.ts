/**
 * Writes `report.html` into the folder of a soak, from that folder alone. When the run was violated, it also writes the
 * page that draws its history.
 */

import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OperatingError } from '../../src/core/errors.ts';
import { formatBytes } from '../../src/core/units.ts';
import { tellRun } from '../explain/run-telling.ts';
import { writeTrace } from '../guarantee/story/trace.ts';
import { TRACE_NAME, soakPage } from './page.ts';
import { readSoak } from './run-source.ts';

export const REPORT_NAME: string = 'report.html';

/**
 * Returns one line about what was written. Throws a UsageError when the folder is not that of a soak, and an
 * OperatingError ERR_REPORT_WRITE when nothing can be written. Existing files are replaced.
 */
export function writeReport(folder: string): string {
  const source = readSoak(folder);
  const trace = join(folder, TRACE_NAME);
  // Every run has a history. For a run that was not violated, the page is drawn on request.
  const isWanted = source.hasHistory && source.violations.length > 0;
  if (isWanted) writeTrace(trace, tellRun(folder));
  const page = soakPage(source, { hasTrace: existsSync(trace) });
  const path = join(folder, REPORT_NAME);
  try {
    writeFileSync(`${path}.part`, page);
    renameSync(`${path}.part`, path);
  } catch (cause) {
    throw new OperatingError('ERR_REPORT_WRITE', `${path}: cannot be written: ${String(cause)}`, { cause });
  }
  return `${path} (${formatBytes(Buffer.byteLength(page))})`;
}
