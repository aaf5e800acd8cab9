/** What `faults.csv` says about a run: each fault, how its kinds went, and at which moments they hit. Pure. */

import { parseCsv } from '../../src/results/csv-grammar.ts';
import type { FaultItem, FaultLanes } from '../../src/report/chart.ts';

/** Times in seconds since the run began; null: it did not happen. */
export type Fault = {
  readonly id: string;
  readonly kind: string;
  readonly target: string;
  readonly moment: string;
  readonly injectedS: number;
  readonly provenS: number | null;
  readonly healedS: number | null;
  readonly recoveredS: number | null;
  /** The longest time without a new sum; null: not known. */
  readonly gapS: number | null;
  readonly evidence: string;
  /** Numbers of the faults that were open together with it, with a space between; empty: none, or unknown. */
  readonly overlaps: string;
  /** Whether the next fault began before this one had recovered, so that its recovery is not its own. */
  readonly isOvertaken: boolean;
  /** Whether it was drawn in the place of a missed fault. */
  readonly isAgain: boolean;
};

/** With more faults than this, they are drawn together, by kind and step of time. */
const DRAWN_MAX = 1_500;
const MERGED_STEPS = 600;
const EVIDENCE_LENGTH_MAX = 240;

export function readFaults(bytes: Buffer): Fault[] {
  const faults: Fault[] = [];
  let names: readonly string[] | null = null;
  parseCsv(bytes, ({ fields }) => {
    if (names === null) {
      names = [...fields];
      return;
    }
    const row = new Map(names.map((name, index) => [name, fields[index] ?? '']));
    const text = (name: string): string => row.get(name) ?? '';
    const seconds = (name: string): number | null => (text(name) === '' ? null : Number(text(name)));
    const injectedS = seconds('injected_s');
    if (injectedS === null) return;
    faults.push({
      id: text('id'),
      kind: text('kind'),
      target: text('target'),
      moment: text('moment'),
      injectedS,
      provenS: seconds('proven_s'),
      healedS: seconds('healed_s'),
      recoveredS: seconds('recovered_s'),
      gapS: seconds('longest_gap_s'),
      evidence: text('evidence'),
      overlaps: text('overlaps'),
      isOvertaken: text('overtaken_by') !== '',
      isAgain: text('instead_of') !== '',
    });
  });
  return faults;
}

/** How the faults of one kind went. */
export type KindOutcome = {
  readonly kind: string;
  readonly injected: number;
  readonly proven: number;
  readonly healed: number;
  readonly recovered: number;
  /** Those that had not recovered when the next fault began. They are not in the times. */
  readonly overtaken: number;
  /** The time from injection to recovery. */
  readonly medianS: number | null;
  readonly longestS: number | null;
  readonly longestGapS: number | null;
  /** Proven faults that were open together with another fault. */
  readonly together: number;
};

/** In the order of `asked`, then in the order of their first fault. Requested kinds that never came have zeros. */
export function outcomesByKind(faults: readonly Fault[], asked: readonly string[]): KindOutcome[] {
  const kinds = [...new Set([...asked, ...faults.map(({ kind }) => kind)])];
  return kinds.map((kind) => {
    const own = faults.filter((fault) => fault.kind === kind);
    const hit = own.filter(({ provenS }) => provenS !== null);
    const recovered = hit.filter(({ recoveredS }) => recoveredS !== null);
    const recoveries = recovered
      .flatMap(({ injectedS, recoveredS, isOvertaken }) =>
        recoveredS === null || isOvertaken ? [] : [recoveredS - injectedS],
      )
      .toSorted((one, other) => one - other);
    const gaps = hit.flatMap(({ gapS }) => gapS ?? []);
    return {
      kind,
      injected: own.filter(({ isAgain }) => !isAgain).length,
      proven: hit.length,
      healed: hit.filter(({ healedS }) => healedS !== null).length,
      recovered: recovered.length,
      overtaken: recovered.length - recoveries.length,
      medianS: recoveries[Math.floor((recoveries.length - 1) / 2)] ?? null,
      longestS: recoveries.at(-1) ?? null,
      longestGapS: gaps.length === 0 ? null : gaps.reduce((one, other) => Math.max(one, other)),
      together: hit.filter(({ overlaps }) => overlaps !== '').length,
    };
  });
}

/** The moments of the processes that a fault hit, each once. When none is known, one entry says so. */
export function momentsOf(text: string): string[] {
  const ofProcesses = text.split('; ').map((part) => part.replace(/^[\w.-]+: /, ''));
  const moments = ofProcesses.flatMap((part) => part.split(' + ')).filter((moment) => moment !== '');
  return moments.length === 0 ? [UNKNOWN_MOMENT] : [...new Set(moments)];
}

const UNKNOWN_MOMENT = 'not known';

/** How often faults of each kind were proven at each moment. A fault that hit at several moments counts at each. */
export type MomentMatrix = {
  readonly moments: readonly string[];
  readonly rows: readonly { readonly kind: string; readonly counts: readonly number[] }[];
};

export function momentMatrix(faults: readonly Fault[], kinds: readonly string[]): MomentMatrix {
  const moments = [...new Set(faults.flatMap(({ moment }) => momentsOf(moment)))].toSorted();
  const counts = new Map<string, number>();
  for (const { kind, moment, provenS } of faults) {
    if (provenS === null) continue;
    for (const one of momentsOf(moment)) {
      const place = JSON.stringify([kind, one]);
      counts.set(place, (counts.get(place) ?? 0) + 1);
    }
  }
  const rows = kinds.map((kind) => ({
    kind,
    counts: moments.map((moment) => counts.get(JSON.stringify([kind, moment])) ?? 0),
  }));
  return { moments, rows };
}

/** Faults that were open at this time: injected, and neither recovered nor given up. */
export function openAt(faults: readonly Fault[], atS: number): Fault[] {
  return faults.filter(({ injectedS, provenS, healedS, recoveredS }) => {
    const endS = recoveredS ?? (provenS === null ? (healedS ?? injectedS) : Number.POSITIVE_INFINITY);
    return injectedS <= atS && atS <= endS;
  });
}

export function faultText({ id, kind, target, ...fault }: Fault): string {
  const after = (atS: number | null, what: string): string =>
    atS === null ? `not ${what}` : `${what} after ${(atS - fault.injectedS).toFixed(3)} s`;
  const steps = [after(fault.provenS, 'proven'), after(fault.healedS, 'healed'), after(fault.recoveredS, 'recovered')];
  const evidence = fault.evidence.slice(0, EVIDENCE_LENGTH_MAX);
  return [
    `fault ${id}: ${kind} of ${target}`,
    `injected at ${fault.injectedS.toFixed(3)} s, moment: ${fault.moment === '' ? UNKNOWN_MOMENT : fault.moment}`,
    steps.join(', '),
    ...(fault.overlaps === '' ? [] : [`open together with fault ${fault.overlaps.replaceAll(' ', ', ')}`]),
    evidence,
  ].join('\n');
}

/** Whether there are too many faults to draw each. */
export function areMerged(faults: readonly Fault[]): boolean {
  return faults.length > DRAWN_MAX;
}

/** A lane for each kind that came. */
export function faultLanes(faults: readonly Fault[], endS: number): FaultLanes {
  const kinds = [...new Set(faults.map(({ kind }) => kind))].toSorted();
  const laneOf = new Map(kinds.map((kind, lane) => [kind, lane]));
  const items = faults.map((fault) => ({ ...fault, lane: laneOf.get(fault.kind) ?? 0 }));
  if (!areMerged(faults)) {
    return { kinds, items: items.map((item) => ({ ...timesOf(item), text: faultText(item) })) };
  }
  const stepS = Math.max(1, endS / MERGED_STEPS);
  const merged = new Map<string, (Fault & { readonly lane: number })[]>();
  for (const item of items) {
    const place = `${item.lane} ${Math.floor(item.injectedS / stepS)}`;
    const before = merged.get(place);
    if (before === undefined) merged.set(place, [item]);
    else before.push(item);
  }
  return { kinds, items: [...merged.values()].map(mergedItem) };
}

function timesOf(fault: Fault & { readonly lane: number }): Omit<FaultItem, 'text'> {
  const { lane, injectedS, provenS, healedS, recoveredS } = fault;
  return { lane, injectedS, provenS, healedS, recoveredS };
}

/**
 * The item from the first injection to the last end. It counts as proven when one of the faults is, and as healed and
 * recovered when each proven fault is.
 */
function mergedItem(faults: readonly (Fault & { readonly lane: number })[]): FaultItem {
  const [first] = faults as readonly [Fault & { readonly lane: number }];
  const proven = faults.filter(({ provenS }) => provenS !== null);
  const unrecovered = proven.filter(({ recoveredS }) => recoveredS === null).length;
  const greatest = (of: (fault: Fault) => number | null): number | null =>
    faults.reduce<number | null>((most, fault) => {
      const value = of(fault);
      return value === null ? most : Math.max(most ?? value, value);
    }, null);
  const longest = greatest(({ injectedS, recoveredS }) => (recoveredS === null ? null : recoveredS - injectedS));
  return {
    lane: first.lane,
    injectedS: first.injectedS,
    provenS: greatest(({ provenS }) => provenS),
    healedS: proven.some(({ healedS }) => healedS === null) ? null : greatest(({ healedS }) => healedS),
    recoveredS: unrecovered > 0 ? null : greatest(({ recoveredS }) => recoveredS),
    text:
      `${faults.length} faults: ${first.kind}\nfrom ${first.injectedS.toFixed(3)} s on, ${proven.length} proven` +
      (unrecovered === 0 ? '' : `, ${unrecovered} not recovered`) +
      (longest === null ? '' : `, the longest recovery took ${longest.toFixed(3)} s`),
  };
}
