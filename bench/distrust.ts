/**
 * Rows that say of themselves that they are not evidence: `not to be trusted`, or `never steady`. They say it in the
 * remarks of run.json, which older builds write too. So these lines are written and read only here.
 */

import type { Sample } from '../src/results/samples.ts';
import { parametersWithout } from './rows.ts';

/** How a remark begins that a row's figures are not evidence. */
export const NOT_TO_BE_TRUSTED: string = 'not to be trusted';
export const NEVER_STEADY: string = 'never steady';

/** The remark on one row; `row` is its benchmark with its parameters. */
export function rowRemark(suite: string, row: string, remark: string): string {
  return `${suite} ${row}: ${remark}`;
}

/** The remark on the rows of a suite whose warm-up never ended. */
export function unsteadyRemark(suite: string, rows: readonly string[], warmUpRounds: number): string {
  return `${suite}: ${rows.length} tasks ${NEVER_STEADY} in ${warmUpRounds} rounds of warm-up: ${rows.join(ROW_GAP)}`;
}

/** A remark, and the rounds that it is about. */
export function withRounds(remark: string, rounds: readonly number[]): string {
  return rounds.length === 0 ? remark : `${remark} (round ${rounds.join(', ')})`;
}

export function withoutRounds(remark: string): string {
  return remark.replace(ROUNDS, '');
}

const ROW_GAP = '; ';
const OF_ROW = /^(?<row>\S+ .+?): (?:not to be trusted|never steady)/;
const OF_SUITE = /^(?<suite>\S+): \d+ tasks never steady in \d+ rounds of warm-up: (?<rows>.*)$/;
const ROUNDS = / \(round (?<rounds>\d+(?:, \d+)*)\)$/;

/** The rounds of a row that are not evidence; `all` when no rounds are named. */
export type DistrustedRounds = ReadonlySet<number> | 'all';

/** By the name of the row, as `distrustName` makes it. */
export function distrustedRows(remarks: readonly string[]): ReadonlyMap<string, DistrustedRounds> {
  const found = new Map<string, Set<number> | 'all'>();
  for (const remark of remarks) {
    const rounds = ROUNDS.exec(remark)?.groups?.['rounds']?.split(', ').map(Number);
    for (const row of rowsOf(withoutRounds(remark))) {
      const known = found.get(row);
      if (rounds === undefined || known === 'all') found.set(row, 'all');
      else found.set(row, new Set([...(known ?? []), ...rounds]));
    }
  }
  return found;
}

function rowsOf(remark: string): string[] {
  const { suite, rows } = OF_SUITE.exec(remark)?.groups ?? {};
  if (suite !== undefined && rows !== undefined) return rows.split(ROW_GAP).map((row) => `${suite} ${row}`);
  const row = OF_ROW.exec(remark)?.groups?.['row'];
  return row === undefined ? [] : [row];
}

/** The name by which remarks know a sample's row. It is the same for all processes of a row. */
export function distrustName(sample: Pick<Sample, 'suite' | 'benchmark' | 'parameters'>): string {
  return [sample.suite, sample.benchmark, parametersWithout(sample, 'process')].filter((text) => text !== '').join(' ');
}

export function isDistrusted(rounds: DistrustedRounds | undefined, round: number): boolean {
  return rounds === 'all' || rounds?.has(round) === true;
}
