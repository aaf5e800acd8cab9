/** What the folder of a soak says about its run: `run.json`, and whether the files still match it. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { asRecord } from '../../src/core/assert.ts';
import { UsageError } from '../../src/core/errors.ts';
import { listOf, nullable, tableOf, text } from '../../src/core/shape.ts';
import { type EnginePromises, PROMISES } from '../../src/journal/promises.ts';
import { digestFiles, isWhole } from '../../src/results/run-folder.ts';

/** The part of a run.json that is used. */
export type RecordedRun = {
  /** Null: the run was killed or still goes on. */
  readonly verdict: string | null;
  readonly reasons: readonly string[];
  readonly configuration: Readonly<Record<string, unknown>>;
  /** Of the engine that its journals were of. */
  readonly promises: EnginePromises;
  readonly digests: Readonly<Record<string, string>>;
  /** Whether run.json itself is unchanged. */
  readonly isWhole: boolean;
};

const isReasons = listOf(text);
const isVerdict = nullable(text);
const isDigests = tableOf(text);

/** Throws a UsageError when the folder is not that of a soak. */
export function readRecordedRun(folder: string): RecordedRun {
  const path = join(folder, 'run.json');
  if (!existsSync(path)) throw new UsageError(`${folder} is not the folder of a run: it has no run.json`);
  let found: Record<string, unknown> | null;
  try {
    found = asRecord(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new UsageError(`${path} is not a run.json: ${String(error)}`);
  }
  const { kind, verdict = null, reasons, configuration, digests } = found ?? {};
  if (kind !== 'soak') throw new UsageError(`${folder} is not the run of a soak, but of ${JSON.stringify(kind)}`);
  if (!isVerdict(verdict) || !isReasons(reasons) || !isDigests(digests) || asRecord(configuration) === null) {
    throw new UsageError(`${path}: its verdict, reasons, configuration or digests are not what a soak writes`);
  }
  return {
    verdict: verdict as string | null,
    reasons: reasons as string[],
    configuration: configuration as Record<string, unknown>,
    promises: PROMISES[asRecord(configuration)?.['cluster'] === undefined ? 'embedded' : 'gazette'],
    digests: digests as Record<string, string>,
    isWhole: isWhole(found ?? {}),
  };
}

/** Files of the folder that differ from what run.json says, one line each. */
export async function changedFiles(folder: string, run: RecordedRun): Promise<string[]> {
  const changed = run.isWhole ? [] : [`${join(folder, 'run.json')} was changed: its own digest does not fit`];
  for (const [name, digest] of Object.entries(run.digests)) {
    const path = join(folder, name);
    if (!existsSync(path)) changed.push(`${path} is missing: run.json has its digest`);
    else if ((await digestFiles(folder, [name]))[name] !== digest) {
      changed.push(`${path} was changed: its SHA-256 is not that in run.json`);
    }
  }
  return changed;
}
