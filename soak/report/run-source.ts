/**
 * Reads the folder of a soak for its report. A file that is absent or damaged is named, and everything else is still
 * shown.
 */

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { asRecord, isCount } from '../../src/core/assert.ts';
import { OperatingError } from '../../src/core/errors.ts';
import { readCsvBytes } from '../../src/results/csv.ts';
import { type LatencyRow, parseLatencyRow } from '../../src/results/latency-row.ts';
import { CLUSTER_FAMILIES, LIVE_FAMILIES, kindsOf } from '../guarantee/fault-kinds.ts';
import { HISTORY_FOLDER } from '../guarantee/recorded-history.ts';
import { readRunJson } from '../guarantee/recorded-run.ts';
import { type Fault, readFaults } from './faults.ts';
import { type Intervals, readIntervals } from './intervals.ts';

/** The contents of a run.json, as far as it has them. */
export type ReportRun = {
  readonly verdict: string | null;
  readonly reasons: readonly string[];
  readonly seed: number;
  readonly commandLine: readonly string[];
  readonly commit: string | null;
  readonly isChanged: boolean;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly audit: string | null;
  readonly stories: readonly Story[];
  readonly expectations: readonly Expected[];
  readonly crashes: Readonly<Record<string, unknown>>;
  readonly configuration: Readonly<Record<string, unknown>>;
  readonly environment: Readonly<Record<string, unknown>>;
};

/** Violations of one cause. */
export type Story = { readonly title: string; readonly lines: readonly string[]; readonly foundS: number | null };

/** A bound that the user asked for, and what was measured. */
export type Expected = { readonly text: string; readonly isMet: boolean; readonly measured: string };

/** Cells of violations.csv as text; a missing one is ''. */
export type ViolationRow = Readonly<Record<string, string>>;

export type SoakSource = {
  /** The name of the folder. */
  readonly name: string;
  readonly run: ReportRun;
  readonly intervals: Intervals;
  readonly faults: readonly Fault[];
  /** Kinds of faults that were requested for the run. */
  readonly askedKinds: readonly string[];
  readonly latencies: readonly LatencyRow[];
  readonly violations: readonly ViolationRow[];
  /** Rows of resources.csv; none when there is no such file. */
  readonly slopes: readonly Readonly<Record<string, string>>[];
  /** Files and folders beside the report, folders with `/` at the end. */
  readonly files: readonly string[];
  /** Names in `logs/`. */
  readonly logs: readonly string[];
  readonly hasHistory: boolean;
  /** What could not be read, one line each. */
  readonly problems: readonly string[];
};

/** Throws a UsageError when the folder is not that of a soak. */
export function readSoak(folder: string): SoakSource {
  const run = readRun(folder);
  const problems: string[] = [];
  const read = <T>(name: string, parse: (bytes: Buffer) => T, none: T): T => {
    const path = join(folder, name);
    if (!existsSync(path)) {
      problems.push(`${name}: there is none`);
      return none;
    }
    try {
      return parse(readFileSync(path));
    } catch (error) {
      if (!(error instanceof OperatingError)) throw error;
      problems.push(`${name}: ${error.message}`);
      return none;
    }
  };
  const logs = join(folder, 'logs');
  return {
    name: basename(resolve(folder)),
    run,
    intervals: read('intervals.csv', readIntervals, readIntervals(Buffer.from('elapsed_s,phase\r\n'))),
    faults: read('faults.csv', readFaults, []),
    askedKinds: askedKindsOf(run.configuration),
    latencies: read('latency.csv', (bytes) => readCsvBytes(bytes).map(parseLatencyRow), []),
    violations: read('violations.csv', readCsvBytes, []),
    slopes: existsSync(join(folder, 'resources.csv')) ? read('resources.csv', readCsvBytes, []) : [],
    files: readdirSync(folder, { withFileTypes: true })
      .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
      .toSorted(),
    logs: existsSync(logs) ? readdirSync(logs).toSorted() : [],
    hasHistory: existsSync(join(folder, HISTORY_FOLDER)),
    problems,
  };
}

function readRun(folder: string): ReportRun {
  const run = readRunJson(folder);
  const text = (name: string): string | null => (typeof run[name] === 'string' ? run[name] : null);
  return {
    verdict: text('verdict'),
    reasons: textsOf(run['reasons']),
    seed: isCount(run['seed']) ? run['seed'] : 0,
    commandLine: textsOf(run['commandLine']),
    commit: text('commit'),
    isChanged: run['dirty'] === true,
    startedAt: text('startedAt') ?? '',
    endedAt: text('endedAt'),
    audit: text('audit'),
    stories: Array.isArray(run['stories']) ? run['stories'].flatMap(storyOf) : [],
    expectations: Array.isArray(run['expectations']) ? run['expectations'].flatMap(expectedOf) : [],
    crashes: asRecord(run['crashes']) ?? {},
    configuration: asRecord(run['configuration']) ?? {},
    environment: asRecord(run['environment']) ?? {},
  };
}

function storyOf(value: unknown): Story[] {
  const { title, lines, firstFoundSeconds } = asRecord(value) ?? {};
  if (typeof title !== 'string') return [];
  return [{ title, lines: textsOf(lines), foundS: typeof firstFoundSeconds === 'number' ? firstFoundSeconds : null }];
}

function expectedOf(value: unknown): Expected[] {
  const { text, isMet, measured } = asRecord(value) ?? {};
  if (typeof text !== 'string' || typeof measured !== 'string') return [];
  return [{ text, isMet: isMet === true, measured }];
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((text): text is string => typeof text === 'string') : [];
}

/** The kinds of the repeated plan, or of the requested families. */
function askedKindsOf(configuration: Readonly<Record<string, unknown>>): string[] {
  const { faultPlan, faults, summers, cluster } = configuration;
  if (Array.isArray(faultPlan)) {
    return [...new Set(faultPlan.flatMap((fault) => textsOf([asRecord(fault)?.['kind']])))];
  }
  const families = textsOf(faults);
  const known = [...new Set([...LIVE_FAMILIES, ...CLUSTER_FAMILIES])].filter((family) => families.includes(family));
  const { brokers, etcd } = asRecord(cluster) ?? {};
  const size = isCount(brokers) && isCount(etcd) ? { brokers, etcd } : undefined;
  return kindsOf(known, { summers: isCount(summers) ? summers : 1, cluster: size });
}
