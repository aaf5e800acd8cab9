/**
 * One life of a producer, from the first start of its chunker to the release of its pin. A chunker that is killed and
 * started again continues the life.
 *
 * The order at a first start: the producer id is made durable, then the verifier's pin is made at the head of the sums
 * journal, then the place of that pin is made durable. Only then the first chunk is sent.
 */

import { FencedError, UsageError, ViolationError } from '../../core/errors.ts';
import { type Journals, SUMS_JOURNAL, chunkJournal } from '../../journal/journals.ts';
import { checkWitness } from '../../journal/witness.ts';
import { sealRow } from '../../store/row.ts';
import type { Store } from '../../store/store.ts';
import { Ledger } from '../../verifier/ledger.ts';
import type { ReaderPosition } from '../../verifier/verifier.ts';
import type { WorkloadOptions } from '../../workload/workload.ts';
import { savedIndexes } from '../stream/generator.ts';
import * as records from '../rows/records.ts';
import { whyGone } from './gone.ts';
import { pinExpired } from '../sums/sums-pin.ts';

export type LifeOptions = {
  readonly store: Store;
  readonly journals: Journals;
  readonly workload: WorkloadOptions;
  readonly fileCount: number | null;
  /** A fresh random producer id: 16 hexadecimal digits that do not begin with a zero byte. */
  readonly newProducer: () => string;
  /** Names the machine's boot: monotonic times of another boot cannot be compared. */
  readonly boot: string;
};

export type Life = {
  readonly producer: string;
  readonly resumed: boolean;
  readonly position: ReaderPosition;
  readonly ledger: Ledger;
  /** The schedule of the previous incarnation; `null` in a new life. */
  readonly schedule: records.ScheduleRow | null;
  /** Names this boot of the machine. */
  readonly boot: string;
  readonly endStep: number | null;
  /** No earlier incarnation generated this step or a later one. Its messages may still be on their way. */
  readonly reservedStep: number;
  /** All files are verified. Only the end records and the release of the pin are left. */
  readonly isEnding: boolean;
  /** The end records are also there. Only the release of the pin and the `drained` event are left. */
  readonly isFinished: boolean;
  /** For an ending life, by partition: the index of its end record, where it is known. */
  readonly endIndexes: readonly number[] | null;
  /**
   * By partition: records below `durable` are in the journal. `ended`: the producer has ended there, with the last of
   * these records.
   */
  readonly journals: readonly { readonly durable: number; readonly ended: boolean }[];
  /** The newest snapshot at or below everything durable; `null`: begin at step 0. */
  readonly snapshot: { readonly slot: number; readonly bytes: Buffer } | null;
};

/**
 * The anchor of a schedule that goes on, or `null`. A killed chunker is late by its schedule. A chunker that was
 * stopped, or that has another rate or boot, begins a new schedule.
 */
export function keptAnchor({ schedule, boot }: Life, rate: number | null): number | null {
  const isSame = schedule !== null && schedule.boot === boot && schedule.rate === rate;
  return isSame ? schedule.anchorNs : null;
}

/** Everything that the stream of records depends on, as text. */
export function describeWorkload(options: WorkloadOptions, fileCount: number | null): string {
  const { seed, chunkerNumber, filesOpen, chunks, chunkBytes, partitions } = options;
  return [
    `seed ${seed}`,
    `number ${chunkerNumber}`,
    `files ${filesOpen}`,
    `chunks ${chunks.low}..${chunks.high}`,
    `chunk-bytes ${chunkBytes.low}..${chunkBytes.high}`,
    `partitions ${partitions}`,
    `count ${fileCount ?? 'unbounded'}`,
  ].join(', ');
}

/**
 * The store proves what the journals had over its lives. Before anything else is asked of the journals, they must prove
 * that they still have it.
 */
export async function checkPast(journals: Journals, store: Store): Promise<void> {
  const witness = records.readRow(store, 'witness', records.isWitnessRow)?.witness ?? null;
  await checkWitness(journals, witness, `the chunker's store ${store.path}`);
}

export async function beginLife(options: LifeOptions): Promise<Life> {
  const { store, journals } = options;
  const known = records.readRow(store, 'identity', records.isIdentityRow);
  const row = records.readRow(store, 'phase', records.isPhaseRow);
  const phase = row?.phase ?? null;
  if (known !== null && (phase === null || phase === 'ending')) return continueLife(options, known, row);
  if (known !== null && isSameWork(options, known, phase)) return finishedLife(options, known);
  // The release of a finished life is repeated, because the process may have died before it.
  if (known !== null) await journals.release(SUMS_JOURNAL, known.producer);
  return newLife(options);
}

/**
 * Whether a finished life has done the work that is asked for now. With a number of files, the work is done once,
 * however often the command is repeated, because its process may have been killed before it could say so. Without a
 * number, the work is the same only until the end was said.
 */
function isSameWork({ workload, fileCount }: LifeOptions, known: records.IdentityRow, phase: string | null): boolean {
  return known.workload === describeWorkload(workload, fileCount) && (fileCount !== null || phase === 'finished');
}

function finishedLife(options: LifeOptions, { producer }: records.IdentityRow): Life {
  const { store, workload, boot } = options;
  const ledgerBytes = records.readBytes(store, 'ledger');
  return {
    producer,
    resumed: true,
    position: records.readRow(store, 'position', records.isPositionRow) ?? { offset: 0, nextIndexes: {}, epochs: {} },
    ledger: ledgerBytes === null ? new Ledger() : Ledger.load(ledgerBytes, false),
    schedule: null,
    boot,
    endStep: records.readRow(store, 'end', records.isEndRow)?.endStep ?? null,
    reservedStep: records.readRow(store, 'reserved', records.isReservedRow)?.step ?? 0,
    isEnding: true,
    isFinished: true,
    endIndexes: null,
    journals: workloadJournals(workload).map(() => ({ durable: 0, ended: true })),
    snapshot: null,
  };
}

async function newLife(options: LifeOptions): Promise<Life> {
  const { store, workload, fileCount } = options;
  const producer = options.newProducer();
  const identity: records.IdentityRow = {
    producer,
    workload: describeWorkload(workload, fileCount),
  };
  const forgotten = ['schedule', 'position', 'ledger', 'snapshot-0', 'snapshot-1', 'reserved', 'end', 'phase'] as const;
  await store.commit([
    ...forgotten.map((name) => ({ table: records.TABLE, key: records.keyFor(name), value: null })),
    { table: records.TABLE, key: records.keyFor('identity'), value: sealRow(identity) },
  ]);
  const position = await makePin(options, producer);
  return {
    producer,
    resumed: false,
    position,
    ledger: new Ledger(),
    schedule: null,
    boot: options.boot,
    endStep: null,
    reservedStep: 0,
    isEnding: false,
    isFinished: false,
    endIndexes: null,
    journals: Array.from({ length: workload.partitions }, () => ({ durable: 0, ended: false })),
    snapshot: null,
  };
}

async function makePin({ store, journals }: LifeOptions, producer: string): Promise<ReaderPosition> {
  const pin = await journals.pin(SUMS_JOURNAL, producer);
  const position: ReaderPosition = { offset: pin.offset, nextIndexes: { ...pin.nextIndexes }, epochs: {} };
  const { witness } = journals;
  const writes = [{ table: records.TABLE, key: records.keyFor('position'), value: sealRow(position) }];
  if (witness !== null)
    writes.push({ table: records.TABLE, key: records.keyFor('witness'), value: sealRow({ witness }) });
  await store.commit(writes);
  return position;
}

async function continueLife(
  options: LifeOptions,
  known: records.IdentityRow,
  phase: records.PhaseRow | null,
): Promise<Life> {
  const { store, workload, fileCount, boot } = options;
  const isEnding = phase !== null;
  const { producer } = known;
  const asked = describeWorkload(workload, fileCount);
  if (known.workload !== asked) {
    throw new UsageError(
      `the data folder belongs to another workload, ${known.workload}, and not to ${asked}: use an empty folder for it`,
    );
  }
  const schedule = records.readRow(store, 'schedule', records.isScheduleRow);
  const saved = records.readRow(store, 'position', records.isPositionRow);
  const ledgerBytes = records.readBytes(store, 'ledger');
  const expected = await Promise.all(
    workloadJournals(workload).map((journal) => options.journals.expected(journal, producer)),
  );
  const ended = expected.filter(({ outcome }) => outcome === 'ended').length;
  if (ended > 0 && !isEnding) throw new FencedError(`producer ${producer} was retired`);
  // Before anything is sent. A life that is ending needs no more sums.
  if (
    saved !== null &&
    !isEnding &&
    (await options.journals.movePin(SUMS_JOURNAL, producer, saved.offset)) === 'missing'
  ) {
    // The producer may have been retired since the answers above: a cluster can take seconds for each of them.
    throw await whyGone(options.journals, { producer, journals: expected }, pinExpired(producer));
  }
  const journals = expected.map((answer) => ({
    durable: answer.outcome === 'fenced' ? 0 : answer.n,
    ended: answer.outcome === 'ended',
  }));
  return {
    producer,
    resumed: true,
    // Without a place nothing was sent yet.
    position: saved ?? (await makePin(options, producer)),
    ledger: ledgerBytes === null ? new Ledger() : Ledger.load(ledgerBytes, schedule?.boot === boot),
    schedule,
    boot,
    endStep: records.readRow(store, 'end', records.isEndRow)?.endStep ?? null,
    reservedStep: records.readRow(store, 'reserved', records.isReservedRow)?.step ?? 0,
    isEnding,
    isFinished: false,
    endIndexes: phase?.endIndexes ?? null,
    journals,
    snapshot: isEnding ? null : newestSnapshot(store, journals),
  };
}

function newestSnapshot(store: Store, journals: Life['journals']): Life['snapshot'] {
  let newest: { slot: number; bytes: Buffer } | null = null;
  let found = 0;
  for (const slot of [0, 1] as const) {
    const bytes = records.readBytes(store, `snapshot-${slot}`);
    if (bytes === null) continue;
    found += 1;
    const isBelow = savedIndexes(bytes, journals.length).every(
      (index, partition) => index <= (journals[partition]?.durable ?? 0),
    );
    if (isBelow && (newest === null || bytes.readDoubleLE(0) > newest.bytes.readDoubleLE(0))) newest = { slot, bytes };
  }
  // The older of two snapshots was acknowledged as a whole before the newer one was written.
  if (found === 2 && newest === null) {
    throw new ViolationError(
      'acknowledged-loss',
      'the journals expect records that a snapshot proves were acknowledged',
    );
  }
  return newest;
}

function workloadJournals({ partitions }: WorkloadOptions): string[] {
  return Array.from({ length: partitions }, (_, partition) => chunkJournal(partition));
}
