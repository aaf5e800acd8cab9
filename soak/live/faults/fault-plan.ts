/** The faults that a run injects: those of its seed, or those of an earlier run, from its faults.csv. */

import { readFileSync } from 'node:fs';
import { UsageError } from '../../../src/core/errors.ts';
import { type Moment, momentsToHit } from '../../../src/moments/moment.ts';
import { COMPONENTS } from '../../../src/moments/page-layout.ts';
import { readCsvBytes } from '../../../src/results/csv.ts';
import {
  type ClusterSize,
  FAULT_KINDS,
  type FaultKind,
  type LiveFamily,
  familyOf,
} from '../../guarantee/fault-kinds.ts';
import { freezes } from './frozen-moments.ts';
import { type PlannedFault, memberNames, processNames } from './planned-fault.ts';
import { type LinkMode, linkFaultOf, parseLinkMode } from './relay/link-mode.ts';
import { AUDITOR_LINK } from './relay/relayed-links.ts';
import { faultSchedule } from './schedule.ts';

export type FaultOptions = {
  readonly seed: number;
  readonly faults: readonly LiveFamily[];
  readonly faultIntervalMs: number;
  /** The most faults that may be open together, unless there is a plan; absent: one. */
  readonly faultsAtOnce?: number;
  /** Null: the seed decides. */
  readonly faultPlan: readonly PlannedFault[] | null;
  readonly slaMs: number;
  readonly summers: number;
  readonly chunkers: number;
  readonly isFollowed: boolean;
  /** Absent: the pipeline has its own broker. */
  readonly cluster?: ClusterSize | undefined;
};

export function faultsOf(options: FaultOptions, lengthMs: number): Iterable<PlannedFault> {
  const { faultPlan, faults: families, faultIntervalMs: intervalMs } = options;
  if (faultPlan !== null) return faultPlan.filter(({ atMs }) => atMs < lengthMs);
  return families.length === 0 ? [] : faultSchedule({ ...options, families, intervalMs, lengthMs });
}

/** The most faults of a plan that are planned to be open together. */
export function atOnceOf(plan: readonly PlannedFault[]): number {
  const joining = new Map<number, number>();
  for (const { joins } of plan) if (joins !== undefined) joining.set(joins, (joining.get(joins) ?? 0) + 1);
  return 1 + Math.max(0, ...joining.values());
}

/** The families of a plan's faults, in the order in which they come. */
export function familiesOf(plan: readonly PlannedFault[]): LiveFamily[] {
  return [...new Set(plan.map(({ kind }) => familyOf(kind)))];
}

/** Reads the plan of the run that wrote this faults.csv. Throws a UsageError that names the file and its fault. */
export function readFaultPlan(path: string, flag: string): PlannedFault[] {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new UsageError(`${flag} ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return parseFaultPlan(bytes, `${flag} ${path}`);
}

/**
 * `where`: how an error message begins. The number of a fault is that of its row. Faults that were drawn in the place
 * of a missed fault are left out, because this run draws anew.
 */
export function parseFaultPlan(bytes: Buffer, where: string): PlannedFault[] {
  let rows: readonly Readonly<Record<string, string>>[];
  try {
    rows = readCsvBytes(bytes);
  } catch (error) {
    throw new UsageError(`${where}: ${error instanceof Error ? error.message : String(error)}`);
  }
  /** By number of a fault in that run, which is the order in which they came: its row. */
  const rowOf = new Map(rows.map(({ id = '' }, index) => [id, index + 1]));
  const came = new Map(rows.map(({ id = '' }, index) => [index + 1, Number(id)]));
  const plan = rows.flatMap((row, index): PlannedFault[] => {
    const wrong = (column: string, of: FaultKind | null = null): UsageError => {
      const value = JSON.stringify(row[column] ?? '');
      const what = `${column} ${value} is not valid${of === null ? '' : ` for ${of}`}`;
      return new UsageError(`${where}: row ${index + 1}: ${what}`);
    };
    if ((row['instead_of'] ?? '') !== '') return [];
    const kind = FAULT_KINDS.find((candidate) => candidate === row['kind']);
    if (kind === undefined) throw wrong('kind');
    const targets = (row['target'] ?? '').split(' ');
    if (!TARGETS_OF[kind](targets) || new Set(targets).size !== targets.length) throw wrong('target', kind);
    const ms = (column: string): number => {
      const seconds = row[column] === '' ? Number.NaN : Number(row[column]);
      if (!(seconds >= 0 && seconds < 1e9)) throw wrong(column);
      return Math.round(seconds * 1e6) / 1e3;
    };
    const aim = aimFor(row['aim'] ?? '', kind, targets);
    if (aim === undefined) throw wrong('aim', kind);
    const aimed = aim === null ? {} : { aim };
    const joins = (row['joins'] ?? '') === '' ? null : rowOf.get(row['joins'] ?? '');
    if (joins === undefined || joins === index + 1) throw wrong('joins');
    const joining = joins === null ? {} : { joins };
    const fault = { id: index + 1, kind, targets, atMs: ms('at_s'), lengthMs: ms('length_s'), ...aimed, ...joining };
    if (familyOf(kind) !== 'partition') return [fault];
    const link = linkOf(row['link_mode'] ?? '');
    if (link === null || kind !== `partition-${linkFaultOf(link)}`) throw wrong('link_mode', kind);
    return [{ ...fault, link }];
  });
  if (plan.length === 0) throw new UsageError(`${where}: it has no faults`);
  // A fault that joined another one at once came behind it, and may stand before it: rows come as faults settle.
  return plan.toSorted((a, b) => a.atMs - b.atMs || (came.get(a.id) ?? a.id) - (came.get(b.id) ?? b.id));
}

const BROKER = /^broker$/;
const SUMMER = /^summer-\d+$/;
const CHUNKER = /^chunker-\d+$/;
const MEMBER_BROKER = /^broker-\d+$/;
const MEMBER_ETCD = /^etcd-\d+$/;
const MEMBER_STORE = /^store-\d+$/;
const MEMBER = /^(?:etcd|broker)-\d+$/;
const PROCESS = /^(?:broker|(?:summer|chunker)-\d+)$/;
const CLIENT = new RegExp(`^(?:${AUDITOR_LINK}|(?:summer|chunker)-\\d+)$`);

type AreTargets = (targets: readonly string[]) => boolean;

function all(name: RegExp): AreTargets {
  return (targets) => targets.every((target) => name.test(target));
}

function exactly(count: number, name: RegExp): AreTargets {
  return (targets) => targets.length === count && all(name)(targets);
}

/** The targets that each kind may hit. */
const TARGETS_OF: Readonly<Record<FaultKind, AreTargets>> = {
  'kill-broker': exactly(1, BROKER),
  'kill-summer': exactly(1, SUMMER),
  'kill-two-summers': exactly(2, SUMMER),
  'kill-all-summers': all(SUMMER),
  'kill-chunker': exactly(1, CHUNKER),
  'kill-everything': all(PROCESS),
  'pause-broker': exactly(1, BROKER),
  'pause-summer': exactly(1, SUMMER),
  'pause-chunker': exactly(1, CHUNKER),
  'pause-everything': all(PROCESS),
  'takeover-running': exactly(1, SUMMER),
  'takeover-paused': exactly(1, SUMMER),
  'takeover-dead': exactly(1, SUMMER),
  'takeover-elsewhere': exactly(1, SUMMER),
  'restart-each': all(PROCESS),
  'restart-all': all(PROCESS),
  'retire-chunker': exactly(1, CHUNKER),
  'retire-chunker-twice': exactly(1, CHUNKER),
  'upgrade-broker': exactly(1, BROKER),
  'upgrade-summer': all(SUMMER),
  'upgrade-chunker': all(CHUNKER),
  'downgrade-broker': exactly(1, BROKER),
  'downgrade-summer': exactly(1, SUMMER),
  'downgrade-chunker': exactly(1, CHUNKER),
  'partition-refuse': all(CLIENT),
  'partition-drop': all(CLIENT),
  'partition-drop-one-way': all(CLIENT),
  'partition-stall': all(CLIENT),
  'partition-reset': all(CLIENT),
  'partition-delay': all(CLIENT),
  'partition-throttle': all(CLIENT),
  'partition-slice': all(CLIENT),
  'member-kill-etcd': exactly(1, MEMBER_ETCD),
  'member-kill-broker': exactly(1, MEMBER_BROKER),
  'member-kill-two-brokers': exactly(2, MEMBER_BROKER),
  'member-kill-all-brokers': all(MEMBER_BROKER),
  'member-restart-brokers': all(MEMBER_BROKER),
  'member-pause-broker': exactly(1, MEMBER_BROKER),
  'member-strand-broker': exactly(1, MEMBER_BROKER),
  'member-kill-in-turn': exactly(3, MEMBER_BROKER),
  'member-kill-appending': exactly(1, MEMBER_BROKER),
  'network-etcd': all(MEMBER_ETCD),
  'network-brokers': all(MEMBER_BROKER),
  'network-broker-etcd': exactly(1, MEMBER_BROKER),
  'network-broker-etcd-one-way': exactly(1, MEMBER_BROKER),
  'network-broker-summers': exactly(1, MEMBER_BROKER),
  'network-summer-etcd': exactly(1, SUMMER),
  'network-summer-brokers': exactly(1, SUMMER),
  'network-store': exactly(1, MEMBER_STORE),
  'network-etcd-one-way': all(MEMBER_ETCD),
  'network-brokers-one-way': all(MEMBER_BROKER),
  'network-broker-summers-one-way': exactly(1, MEMBER_BROKER),
  'power-broker': exactly(1, MEMBER_BROKER),
  'power-two-brokers': exactly(2, MEMBER_BROKER),
  'power-etcd': exactly(1, MEMBER_ETCD),
  'power-two-etcd': exactly(2, MEMBER_ETCD),
  'power-all': all(MEMBER),
};

/** Null: the fault has no aim. Undefined: no fault of this kind can hit its first target there. */
function aimFor(text: string, kind: FaultKind, [first = '']: readonly string[]): Moment | null | undefined {
  if (text === '') return null;
  const component = COMPONENTS.find((name) => first.startsWith(name));
  if (component === undefined || !freezes(kind)) return undefined;
  return momentsToHit(component).find((moment) => moment === text);
}

function linkOf(text: string): LinkMode | null {
  try {
    return parseLinkMode(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Throws a UsageError for a fault of a process, or of a link, that this run does not have. */
export function checkPlan(
  plan: readonly PlannedFault[],
  run: Pick<FaultOptions, 'summers' | 'chunkers' | 'isFollowed' | 'cluster'>,
): void {
  const names = new Set([
    ...(run.cluster === undefined
      ? ['broker']
      : [
          ...memberNames('broker', run.cluster),
          ...memberNames('etcd', run.cluster),
          ...memberNames('store', run.cluster),
        ]),
    ...(run.isFollowed ? [AUDITOR_LINK] : []),
    ...processNames('summer', run.summers),
    ...processNames('chunker', run.chunkers),
  ]);
  for (const { id, kind, targets } of plan) {
    const unknown = targets.find((name) => !names.has(name));
    if (unknown !== undefined)
      throw new UsageError(`--fault-plan: row ${id}: ${kind} hits ${unknown}, which this run does not have`);
  }
}

/** How often each kind has its turn, counting at most `countedMax` faults. */
export function kindCounts(faults: Iterable<PlannedFault>, countedMax: number): Map<FaultKind, number> {
  const counts = new Map<FaultKind, number>();
  let seen = 0;
  for (const { kind } of faults) {
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    seen += 1;
    if (seen === countedMax) break;
  }
  return new Map(FAULT_KINDS.flatMap((kind) => (counts.has(kind) ? [[kind, counts.get(kind) ?? 0] as const] : [])));
}
