/**
 * One run as compare sees it: its folder, or a samples.csv alone. What is in the files was written by another program,
 * perhaps of another version: all of it is checked, and what is wrong is a problem that is said, never an exception.
 */

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { asRecord } from '../../src/core/assert.ts';
import { readCsv } from '../../src/measure/csv.ts';
import { RUN_SCHEMA_VERSION } from '../../src/measure/run-folder.ts';
import { SAMPLE_COLUMNS, type Sample } from '../../src/measure/samples.ts';

/** What compare uses of run.json. */
export type RunDescription = {
  readonly kind: string;
  readonly configuration: Readonly<Record<string, unknown>>;
  readonly environment: Readonly<Record<string, unknown>>;
  readonly seed: number | null;
  readonly commit: string | null;
  readonly dirty: boolean | null;
  readonly pairing: string | null;
  readonly startedAt: string | null;
  /** Null: killed, or not at its end. */
  readonly verdict: string | null;
  readonly exitCode: number | null;
  readonly reasons: readonly string[];
  /** What must be known to judge its figures; single lines. */
  readonly remarks: readonly string[];
};

/** A row of latency.csv, as text. */
export type LatencyRow = Readonly<Record<string, string>>;

export type LoadedRun = {
  /** As it was given. */
  readonly path: string;
  /** Null: a CSV alone, or run.json is unusable, which is a problem. */
  readonly description: RunDescription | null;
  readonly samples: readonly Sample[];
  readonly latency: readonly LatencyRow[];
  /** Why this run cannot be relied on; single lines. */
  readonly problems: readonly string[];
};

export function loadRun(path: string): LoadedRun {
  const problems: string[] = [];
  const say = (problem: string): void => {
    problems.push(`${path}: ${problem}`);
  };
  const kind = kindOf(path);
  if (kind === null) {
    say('there is no such folder or file');
    return { path, description: null, samples: [], latency: [], problems };
  }
  if (kind === 'file') {
    return { path, description: null, samples: readSamples(path, say), latency: [], problems };
  }
  const description = readDescription(path, say);
  const samples = readSamples(join(path, 'samples.csv'), say);
  const latency = existsSync(join(path, 'latency.csv')) ? readTable(join(path, 'latency.csv'), say) : [];
  return { path, description, samples, latency, problems };
}

type Say = (problem: string) => void;

function kindOf(path: string): 'folder' | 'file' | null {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? null : found.isDirectory() ? 'folder' : 'file';
}

function readDescription(folder: string, say: Say): RunDescription | null {
  const run = readJson(join(folder, 'run.json'), say);
  if (run === null) return null;
  if (run['schemaVersion'] !== RUN_SCHEMA_VERSION) {
    say(
      `run.json has schema version ${JSON.stringify(run['schemaVersion'])}, this program reads ${RUN_SCHEMA_VERSION}`,
    );
    return null;
  }
  const [configuration, environment] = [asRecord(run['configuration']), asRecord(run['environment'])];
  if (typeof run['kind'] !== 'string' || configuration === null || environment === null) {
    say('run.json has no kind, configuration or environment');
    return null;
  }
  checkDigests(folder, asRecord(run['digests']) ?? {}, say);
  return {
    kind: run['kind'],
    configuration,
    environment,
    seed: typeof run['seed'] === 'number' ? run['seed'] : null,
    commit: textOrNull(run['commit']),
    dirty: typeof run['dirty'] === 'boolean' ? run['dirty'] : null,
    pairing: textOrNull(run['pairing']),
    startedAt: textOrNull(run['startedAt']),
    verdict: textOrNull(run['verdict']),
    exitCode: typeof run['exitCode'] === 'number' ? run['exitCode'] : null,
    reasons: textsOf(run['reasons']),
    remarks: textsOf(run['remarks']),
  };
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function readJson(path: string, say: Say): Record<string, unknown> | null {
  try {
    const record = asRecord(JSON.parse(readFileSync(path, 'utf8')));
    if (record === null) say(`${basename(path)} is no object`);
    return record;
  } catch (error) {
    say(`${basename(path)} cannot be read: ${firstLine(error)}`);
    return null;
  }
}

/** Of the files that are read here. */
function checkDigests(folder: string, digests: Readonly<Record<string, unknown>>, say: Say): void {
  for (const name of ['samples.csv', 'latency.csv']) {
    const expected = digests[name];
    if (typeof expected !== 'string') continue;
    const path = join(folder, name);
    if (!existsSync(path)) say(`${name} is missing`);
    else if (createHash('sha256').update(readFileSync(path)).digest('hex') !== expected) {
      say(`${name} was changed after the run: its SHA-256 is not that of run.json`);
    }
  }
}

function readTable(path: string, say: Say): Record<string, string>[] {
  try {
    const rows = readCsv(path);
    if (rows.length === 0) say(`${basename(path)} is empty`);
    return rows;
  } catch (error) {
    say(`${basename(path)} cannot be read: ${firstLine(error)}`);
    return [];
  }
}

function readSamples(path: string, say: Say): Sample[] {
  const samples: Sample[] = [];
  const seen = new Set<string>();
  for (const [index, row] of readTable(path, say).entries()) {
    const sample = sampleOf(row);
    if (sample === null) {
      say(`${basename(path)} is no table of samples: see row ${index + 1}, and results/README.md for the columns`);
      return [];
    }
    const key = `${rowKey(sample)} ${sample.round}`;
    if (seen.has(key)) {
      say(`${basename(path)} has round ${sample.round} of ${rowKey(sample)} twice`);
      return [];
    }
    seen.add(key);
    samples.push(sample);
  }
  return samples;
}

/** Null: not a sample. */
function sampleOf(row: Readonly<Record<string, string>>): Sample | null {
  const { suite, benchmark, parameters, metric, unit, better } = row;
  if (SAMPLE_COLUMNS.some((column) => row[column] === undefined)) return null;
  const [round, value] = [Number(row['round']), row['value'] === '' ? null : Number(row['value'])];
  if (suite === undefined || benchmark === undefined || parameters === undefined) return null;
  if (metric === undefined || unit === undefined) return null;
  if (better !== 'higher' && better !== 'lower' && better !== 'none') return null;
  if (!Number.isSafeInteger(round) || round < 1 || (value !== null && !Number.isFinite(value))) return null;
  return { suite, benchmark, parameters, metric, unit, better: directionOf(parameters, better), round, value };
}

/**
 * Rows of `rate=half` depend on the highest rate of their own run. They were recorded as `lower` and `higher` before the
 * column knew `none`.
 */
function directionOf(parameters: string, recorded: Sample['better']): Sample['better'] {
  return parameters.split(' ').includes('rate=half') ? 'none' : recorded;
}

/** What is measured: equal in two runs means comparable. */
export function rowKey(sample: Pick<Sample, 'suite' | 'benchmark' | 'parameters' | 'metric'>): string {
  return [sample.suite, sample.benchmark, sample.parameters, sample.metric].filter((part) => part !== '').join(' ');
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}
