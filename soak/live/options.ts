/** The options of a soak: as typed, checked and turned into numbers. Errors are UsageErrors. */

import { randomInt } from 'node:crypto';
import { UsageError } from '../../src/core/errors.ts';
import {
  parseBytes,
  parseCount,
  parseCountWithin,
  parseDuration,
  parseRange,
  type Range,
  rangeText,
  shownValue,
} from '../../src/core/units.ts';
import { oneOf, parseRate } from '../../src/component/flags.ts';
import { batchBytesWithin } from '../../src/chunker/prepare-chunker.ts';
import { batchBytesMaxOf } from '../../src/journal/broker/state.ts';
import {
  CLIENT_FAMILIES,
  CLUSTER_FAMILIES,
  DEFAULT_FAMILIES,
  LIVE_FAMILIES,
  type LiveFamily,
  kindsOf,
} from '../guarantee/fault-kinds.ts';
import { auditDepthOf } from './audit-depth.ts';
import { atOnceOf, checkPlan, familiesOf, readFaultPlan } from './faults/fault-plan.ts';
import { FAULTS_AT_ONCE_MAX } from './faults/overlap-rule.ts';
import type { PlannedFault } from './faults/planned-fault.ts';
import { parseExpectation } from './expectation.ts';
import { FAMILY_FAULTS_MIN, outlookOf } from './outlook.ts';
import { timedPhases } from './phases.ts';
import { CLUSTER_OPTION_DEFINITIONS, defaultSla, parseClusterOptions, parseScenario } from './cluster-options.ts';
import type { ClusterOptions, SoakOptions } from './soak-options.ts';

/** Options as commander hands them over: texts, and booleans for flags. */
export type SoakOptionTexts = Readonly<Record<string, unknown>>;

/** Flags, description, default; in the order of `--help`. */
export const SOAK_OPTION_DEFINITIONS: readonly (readonly [flags: string, description: string, defaultText?: string])[] =
  [
    ['--duration <time>', 'how long to run before the drain: 60s, 5m, 2h, 3d', '60s'],
    ['--seed <n>', 'decides the data and the faults (default: a random one, which is reported)'],
    ['--chunkers <n>', 'processes that generate files and verify their sums', '3'],
    ['--summers <n>', 'processes that compute sums', '3'],
    ['--partitions <n>', 'chunk journals', '8'],
    ['--files <n>', 'files open at once in each chunker', '100'],
    ['--chunks <n|a..b>', 'data chunks of a file', '100'],
    ['--chunk-bytes <size|a..b>', 'bytes of a chunk', '32'],
    [
      '--rate <n|max>',
      'chunks a second of all chunkers, on an open-loop schedule; max: as fast as acknowledged',
      '20000',
    ],
    ['--batch-bytes <size>', 'the most bytes of one record batch', '256KiB'],
    ['--retention <size>', 'room for all chunk journals together', '256MiB'],
    ['--sla <time>', 'the longest that a sum may take (default: 30s, with --engine gazette 3m)'],
    ['--transport <ipc|tcp>', 'between the processes', 'ipc'],
    [
      '--faults <list|all|none>',
      `of ${LIVE_FAMILIES.join(', ')}; on a cluster of ${CLUSTER_FAMILIES.join(', ')}; soak/FAULTS.md says what each ` +
        `does and what is expected (default: ${DEFAULT_FAMILIES.join(',')}; on a cluster ${CLIENT_FAMILIES.join(',')})`,
    ],
    [
      '--fault-interval <time>',
      'between two faults, on average (default: 5s, or less in a short run, so that each kind has its turn)',
    ],
    ['--faults-at-once <n>', `faults that may be open together, 1 to ${FAULTS_AT_ONCE_MAX}`, '1'],
    ['--fault-plan <file>', 'repeat the faults of an earlier run, from its faults.csv, instead of --faults'],
    [
      '--upgrade-from <ref|folder>',
      'begin with the build of this commit, or the one in this folder, and replace it by this build meanwhile',
    ],
    [
      '--audit <auto|follow|end|none>',
      'follow: check all journals and stores during the run; end: check what is left at its end; ' +
        'auto: follow, but end at a high rate',
      'auto',
    ],
    [
      '--data <folder>',
      'keep the stores there and go on from what it holds (default: a fresh one, removed at the end)',
    ],
    ['--results <folder>', "the run's own folder is made in it", 'results'],
    ['--keep-data', 'do not remove the fresh data folder'],
    [
      '--history <recent|keep>',
      'keep: record everything that is judged, for the command audit; recent: the newest 64 MiB, without payloads',
      'recent',
    ],
    ['--metrics-port <port>', 'serve metrics for Prometheus at http://127.0.0.1:PORT/metrics; 0: any free port'],
    [
      '--expect <bound>',
      "must hold, or the exit code is 11: 'p99<50ms', 'faults.p99<5s', 'recovery<2s', 'rate>1900'; repeatable",
    ],
    ['--json', 'print the verdict on stdout as one JSON document, and everything else on stderr'],
    ['--junit <file>', 'write the verdict as JUnit XML too'],
    ...CLUSTER_OPTION_DEFINITIONS,
  ];

const SEED_RANGE: Range = { low: 0, high: 0xffff_ffff };
const PROCESS_RANGE: Range = { low: 1, high: 64 };
const parseTransport = oneOf(['ipc', 'tcp']);
const parseAudit = oneOf(['auto', 'follow', 'end', 'none']);
const parseHistory = oneOf(['recent', 'keep']);

/** Checks everything that can be checked here. Components refuse what depends on a store or a socket. */
export function parseSoakOptions(texts: SoakOptionTexts): SoakOptions {
  const text = (name: string): string => {
    const value = texts[name];
    if (typeof value !== 'string' || value === '') throw new UsageError(`--${dashed(name)}: the value is missing`);
    return value;
  };
  const within = (name: string, range: Range): number => parseCountWithin(text(name), `--${dashed(name)}`, range);
  const cluster = parseClusterOptions(texts);
  const scenario = parseScenario(texts);
  const faultPlan =
    scenario ?? (texts['faultPlan'] === undefined ? null : readFaultPlan(text('faultPlan'), '--fault-plan'));
  const upgradeFrom = texts['upgradeFrom'] === undefined ? null : text('upgradeFrom');
  const options: SoakOptions = {
    durationMs: durationFrom('1s', text('duration'), '--duration'),
    seed: texts['seed'] === undefined ? randomInt(2 ** 32) : within('seed', SEED_RANGE),
    chunkers: within('chunkers', PROCESS_RANGE),
    summers: within('summers', PROCESS_RANGE),
    partitions: within('partitions', { low: 1, high: 4_096 }),
    files: within('files', { low: 1, high: 1_000_000 }),
    chunks: parseRange(text('chunks'), '--chunks', parseCount),
    chunkBytes: parseRange(text('chunkBytes'), '--chunk-bytes', parseBytes),
    rate: parseRate(text('rate'), '--rate'),
    batchBytes: bytesFrom1(text('batchBytes'), '--batch-bytes'),
    retentionBytes: bytesFrom1(text('retention'), '--retention'),
    slaMs: durationFrom('1ms', texts['sla'] === undefined ? defaultSla(cluster) : text('sla'), '--sla'),
    transport: parseTransport(text('transport'), '--transport'),
    faults:
      faultPlan === null
        ? parseFamilies(texts['faults'] === undefined ? null : text('faults'), { cluster, upgradeFrom })
        : familiesOf(faultPlan),
    faultIntervalMs: 0,
    faultsAtOnce: atOnce(texts, faultPlan),
    faultPlan,
    upgradeFrom,
    audit: parseAudit(text('audit'), '--audit'),
    data: texts['data'] === undefined ? null : text('data'),
    results: text('results'),
    keepData: texts['keepData'] === true,
    ...(cluster === null ? {} : { cluster }),
    history: parseHistory(text('history'), '--history'),
    metricsPort: texts['metricsPort'] === undefined ? null : within('metricsPort', { low: 0, high: 65_535 }),
    expectations: textsOf(texts['expect']).map((expected) => parseExpectation(expected, '--expect')),
  };
  const faultIntervalMs =
    texts['faultInterval'] === undefined
      ? defaultFaultIntervalMs(options)
      : durationFrom('100ms', text('faultInterval'), '--fault-interval');
  const whole = { ...options, faultIntervalMs };
  checkTogether(whole);
  outlookOf(whole);
  return whole;
}

/** A plan says which of its faults are open together. */
function atOnce(texts: SoakOptionTexts, plan: readonly PlannedFault[] | null): number {
  if (plan !== null) return atOnceOf(plan);
  const { faultsAtOnce = '1' } = texts;
  const range = { low: 1, high: FAULTS_AT_ONCE_MAX };
  return parseCountWithin(typeof faultsAtOnce === 'string' ? faultsAtOnce : '', '--faults-at-once', range);
}

/** An option that may be given several times. */
function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

const FAULT_INTERVAL_MS = 5_000;
/** Shorter intervals are possible, but only on request: a component takes some tenths of a second to come back. */
const FAULT_INTERVAL_MS_MIN = 1_000;
/** A fault of a cluster lasts longer, up to 26 s. */
const CLUSTER_INTERVAL_MS = 12_000;
/**
 * The usual time from a fault's beginning to its end, used when there is time for two faults of each family or more.
 */
const USUAL_FAULT_MS = 3_000;
/** The same of faults that are open together, which last longer. */
const USUAL_GROUP_MS = 4_500;

/** Short enough that each kind of fault has its turn, if that leaves a fault the time to end. */
function defaultFaultIntervalMs(options: SoakOptions): number {
  const faults = timedPhases(options).find(({ phase }) => phase === 'faults');
  if (faults === undefined) return FAULT_INTERVAL_MS;
  if (options.faults.some((family) => family === 'member' || family === 'network' || family === 'powerloss'))
    return CLUSTER_INTERVAL_MS;
  const turnMs = Math.floor(faults.durationMs / Math.max(1, kindsOf(options.faults, options).length));
  const leastMs = Math.floor(faults.durationMs / Math.max(1, FAMILY_FAULTS_MIN * options.faults.length));
  const usualMs = options.faultsAtOnce > 1 ? USUAL_GROUP_MS : USUAL_FAULT_MS;
  const lowMs = Math.max(FAULT_INTERVAL_MS_MIN, Math.min(usualMs, leastMs));
  return Math.max(lowMs, Math.min(FAULT_INTERVAL_MS, turnMs));
}

function checkTogether(options: SoakOptions): void {
  if (options.cluster?.place === null && options.data !== null)
    throw new UsageError('--data: a cluster that a soak starts is a new one each time, and its data is not kept');
  if (options.faults.includes('upgrade') && options.upgradeFrom === null) {
    throw new UsageError('--faults upgrade: --upgrade-from must name the build by which the run begins');
  }
  if (options.faultsAtOnce > 1 && options.cluster !== undefined) {
    throw new UsageError('--faults-at-once: a cluster is not promised to survive several faults at once; use 1');
  }
  if (options.faultsAtOnce > 1 && options.faults.length === 0) {
    throw new UsageError('--faults-at-once: there are no faults with --faults none');
  }
  if (options.upgradeFrom !== null && options.cluster !== undefined) {
    throw new UsageError('--upgrade-from: only a soak with its own broker can be upgraded');
  }
  if (options.faultPlan !== null)
    checkPlan(options.faultPlan, { ...options, isFollowed: auditDepthOf(options).depth === 'follow' });
  const { partitions, retentionBytes } = options;
  batchBytesWithin(options);
  const batchBytesMax = batchBytesMaxOf({ partitions, retentionBytes, sumsBytes: retentionBytes });
  if (options.batchBytes > batchBytesMax) {
    throw new UsageError(
      `--batch-bytes ${options.batchBytes}: must be at most ${batchBytesMax} with --retention ${retentionBytes} and ` +
        `--partitions ${partitions}`,
    );
  }
  if (options.summers > options.partitions) {
    throw new UsageError(`--summers ${options.summers}: must be at most --partitions ${options.partitions}`);
  }
  if (options.rate !== 'max' && options.rate < options.chunkers) {
    throw new UsageError(`--rate ${options.rate}: must be at least --chunkers ${options.chunkers}`);
  }
}

/** `chunkBytes` to `chunk-bytes`. */
function dashed(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** A duration that is not shorter than `leastText`. */
function durationFrom(leastText: string, text: string, flag: string): number {
  const ms = parseDuration(text, flag);
  if (ms < parseDuration(leastText, flag)) throw new UsageError(`${flag} ${text}: must be at least ${leastText}`);
  return ms;
}

/** A size other than 0. */
function bytesFrom1(text: string, flag: string): number {
  const bytes = parseBytes(text, flag);
  if (bytes < 1) throw new UsageError(`${flag} ${text}: must be at least 1`);
  return bytes;
}

/**
 * A list of families, in any order; `all` and `none` stand alone. Null: not asked for. With a build to upgrade from,
 * the family `upgrade` is always added.
 */
function parseFamilies(
  text: string | null,
  { cluster, upgradeFrom }: { readonly cluster: ClusterOptions | null; readonly upgradeFrom: string | null },
): LiveFamily[] {
  const asked = parseList(text, cluster);
  return familiesWith(cluster).filter(
    (family) => asked.includes(family) || (family === 'upgrade' && upgradeFrom !== null),
  );
}

function parseList(text: string | null, cluster: ClusterOptions | null): readonly string[] {
  const families = familiesWith(cluster);
  if (text === null) return cluster === null ? DEFAULT_FAMILIES : CLIENT_FAMILIES;
  if (text === 'none') return [];
  if (text === 'all') return families.filter((family) => family !== 'upgrade');
  const asked = text.split(',');
  if (!asked.every((name) => families.some((family) => family === name)))
    throw new UsageError(`--faults ${shownValue(text)}: expected a list of ${families.join(', ')}, or all, or none`);
  return asked;
}

/** A cluster that belongs to somebody else is not hurt. */
function familiesWith(cluster: ClusterOptions | null): readonly LiveFamily[] {
  if (cluster === null) return LIVE_FAMILIES;
  return cluster.place === null ? CLUSTER_FAMILIES : CLIENT_FAMILIES;
}

/** The workload in a few words, with the same text for the same workload: `chunkers=3 summers=3 ...`. */
export function workloadParameters(options: SoakOptions): Record<string, string | number> {
  return {
    chunkers: options.chunkers,
    summers: options.summers,
    partitions: options.partitions,
    files: options.files,
    chunks: rangeText(options.chunks),
    chunk_bytes: rangeText(options.chunkBytes),
    rate: options.rate,
    batch_bytes: options.batchBytes,
    transport: options.transport,
    faults: options.faults.length === 0 ? 'none' : options.faults.join(','),
  };
}
