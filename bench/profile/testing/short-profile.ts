/** A profile of a second, and its run folder. */

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Flags of a small and short pipeline. */
export const SHORT: readonly string[] = ['--duration', '1s', '--files', '10', '--partitions', '2'];

/** The only run folder below `results`. */
export function onlyRunIn(results: string): string {
  const names = readdirSync(results);
  return join(results, (names.length === 1 ? names[0] : undefined) ?? 'none');
}

export function runIn(folder: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')) as Record<string, unknown>;
}
