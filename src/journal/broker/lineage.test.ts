import test from 'ava';
import fc from 'fast-check';
import { WriteBatch } from '../../store/store.ts';
import type { Witness } from '../witness.ts';
import { Lineage } from './lineage.ts';
import { type LineageRow, isLineageRow } from './tables.ts';
import { openRow } from '../../store/row.ts';

/** The lineage of a store, as its last commit left it. */
type Stored = { readonly row: LineageRow | null; readonly lastCommit: number; readonly commits: readonly string[] };

const EMPTY: Stored = { row: null, lastCommit: 0, commits: [] };

/**
 * One start of a broker after another, each with commits. Any start may begin on an older copy, or on an empty store.
 */
class Machine {
  stored: Stored = EMPTY;
  readonly copies: Stored[] = [EMPTY];
  /** Everything that was ever told. */
  readonly told: (Witness & { readonly commits: readonly string[] })[] = [];
  lineage: Lineage = new Lineage(null, 0, 'start-0');
  #starts = 0;

  start(from: Stored): void {
    this.#starts += 1;
    const incarnation = `start-${this.#starts}`;
    this.stored = from;
    this.lineage = new Lineage(from.row, from.lastCommit, incarnation);
    const batch = new WriteBatch();
    this.lineage.writeStart(batch);
    const [write] = batch.writes;
    this.#commit(incarnation, openRow(Buffer.from(write?.value ?? []), isLineageRow, 'the lineage'));
  }

  commit(): void {
    this.#commit(`start-${this.#starts}`, this.stored.row);
  }

  #commit(incarnation: string, row: LineageRow | null): void {
    const lastCommit = this.lineage.next();
    this.lineage.committed();
    const commits = [...this.stored.commits, `${incarnation}/${this.copies.length}`];
    this.stored = { row, lastCommit, commits };
    this.copies.push(this.stored);
    this.told.push({ store: this.lineage.store, incarnation, commit: lastCommit, commits });
  }
}

test('a witness is held exactly by a store that has every commit that had been told', (t) => {
  const operation = fc.oneof(
    { weight: 6, arbitrary: fc.constant({ op: 'commit' as const, age: 0 }) },
    { weight: 2, arbitrary: fc.constant({ op: 'restart' as const, age: 0 }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant('older' as const), age: fc.nat({ max: 12 }) }) },
  );
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
      const machine = new Machine();
      machine.start(EMPTY);
      for (const { op, age } of operations) {
        if (op === 'commit') machine.commit();
        else if (op === 'restart') machine.start(machine.stored);
        else machine.start(machine.copies[Math.max(0, machine.copies.length - 1 - age)] ?? EMPTY);
        for (const { commits, ...witness } of machine.told) {
          const has = commits.every((commit, at) => machine.stored.commits[at] === commit);
          const vouching = machine.lineage.vouch(witness);
          if (has !== (vouching === 'held')) return false;
          if (!has && (vouching === 'another') !== (witness.store !== machine.lineage.store)) return false;
        }
      }
      return true;
    }),
  );
  t.pass();
});

test('of what was told too many starts ago nothing is known, and no loss is claimed', (t) => {
  const machine = new Machine();
  machine.start(EMPTY);
  for (let start = 0; start < 1_023; start += 1) machine.start(machine.stored);
  const [first] = machine.told;
  const last = machine.told.at(-1);
  if (first === undefined || last === undefined) return t.fail();
  t.is(machine.lineage.vouch(first), 'held');
  machine.start(machine.stored);
  t.is(machine.lineage.vouch(first), 'unknown');
  return t.is(machine.lineage.vouch(last), 'held');
});

test('a store of before there were numbers begins its lineage with the next start', (t) => {
  const lineage = new Lineage(null, 0, 'now');
  t.is(lineage.next(), 1);
  t.is(lineage.durable, 0);
  lineage.committed();
  t.is(lineage.vouch({ store: 'now', incarnation: 'now', commit: 1 }), 'held');
  t.is(lineage.vouch({ store: 'now', incarnation: 'now', commit: 2 }), 'lost');
});
