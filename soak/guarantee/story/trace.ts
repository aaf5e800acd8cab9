/** Writes the page that draws a run. */

import { writeFileSync } from 'node:fs';
import { OperatingError } from '../../../src/core/errors.ts';
import { formatBytes } from '../../../src/core/units.ts';
import { timelinePage } from '../../../src/report/timeline.ts';
import { timelineOfRun } from './timeline.ts';
import type { Telling } from './telling.ts';

/**
 * `file`: a file whose path must be on the page. Returns one line for each thing that a reader of the page must know.
 */
export function writeTrace(path: string, telling: Telling, file?: string): string[] {
  const timeline = timelineOfRun(telling, file);
  const page = timelinePage(timeline);
  try {
    writeFileSync(path, page);
  } catch (cause) {
    throw new OperatingError('ERR_TRACE_WRITE', `--trace ${path}: cannot be written: ${String(cause)}`, { cause });
  }
  const size = formatBytes(Buffer.byteLength(page));
  return [`drawn in ${path} (${size})`, ...timeline.leftOut.map((line) => `not drawn: ${line}`)];
}
