/**
 * Writes the chunker's rows (`records.ts`): each transaction writes what has changed since the last one.
 *
 * Position and ledger move together, and a snapshot is never newer than the ledger beside it.
 *
 * Rule P-JUDGE-4 of docs/protocol.md.
 */

import { GroupCommit } from '../../store/group-commit.ts';
import { sealBytes, sealRow } from '../../store/row.ts';
import { type Store, WriteBatch } from '../../store/store.ts';
import type { Ledger } from '../../verifier/ledger.ts';
import type { ReaderPosition } from '../../verifier/verifier.ts';
import * as records from './records.ts';

export type DurableRowsOptions = {
  readonly store: Store;
  /** The durable state when the process began. */
  readonly life: { readonly reservedStep: number; readonly ledger: Ledger; readonly position: ReaderPosition };
  readonly schedule: records.ScheduleRow;
  /** The generator's next file: files below it were completed or are open. */
  readonly nextFile: () => number;
  /** The verifier's place in the sums journal. */
  readonly position: () => ReaderPosition;
  /** The witness of what the journals have said. */
  readonly witness: () => string | null;
  /** A transaction is durable. */
  readonly onDurable: () => void;
  /** A transaction failed, so it is unknown what the disk holds. */
  readonly onFatal: (error: unknown) => void;
};

export class DurableRows {
  readonly #options: DurableRowsOptions;
  readonly #commit: GroupCommit;
  #reservedStep: number;
  #verifiedTotal: number;
  #offset: number;
  #isLedgerDirty = false;
  #reservationToWrite: number | null = null;
  #snapshotToWrite: { readonly slot: number; readonly bytes: Buffer } | null = null;
  #scheduleToWrite: records.ScheduleRow | null;
  #endToWrite: number | null = null;
  #phaseToWrite: records.PhaseRow | null = null;
  #whenFailed: ((error: unknown) => void) | null = null;

  constructor(options: DurableRowsOptions) {
    const { store, life, schedule } = options;
    this.#options = options;
    this.#reservedStep = life.reservedStep;
    this.#verifiedTotal = life.ledger.verifiedTotal;
    this.#offset = life.position.offset;
    this.#scheduleToWrite = schedule;
    this.#commit = new GroupCommit({
      store,
      fill: () => this.#fill(),
      onDurable: options.onDurable,
      onAnswered: () => {},
      onFatal: (error) => {
        this.#whenFailed?.(error);
        options.onFatal(error);
      },
    });
  }

  /** The generator stops here until more is reserved. */
  get reservedStep(): number {
    return this.#reservedStep;
  }

  get isReserving(): boolean {
    return this.#reservationToWrite !== null;
  }

  /** Files that are durably verified, over the life of the producer. */
  get verifiedTotal(): number {
    return this.#verifiedTotal;
  }

  /** The place in the sums journal from which a restart would read. The pin may move here. */
  get offset(): number {
    return this.#offset;
  }

  /** The ledger or the position has changed. The next transaction writes them. */
  ledgerChanged(): void {
    this.#isLedgerDirty = true;
  }

  saveLedger(): void {
    if (this.#isLedgerDirty) this.#commit.accept();
  }

  reserve(step: number, onDurable: () => void): void {
    this.#reservationToWrite = step;
    this.#commit.accept(() => {
      this.#reservationToWrite = null;
      this.#reservedStep = step;
      onDurable();
    });
  }

  writeSnapshot(slot: number, bytes: Buffer): void {
    this.#snapshotToWrite = { slot, bytes };
    this.#commit.accept();
  }

  writeEnd(endStep: number, onDurable: () => void): void {
    this.#endToWrite = endStep;
    this.#commit.accept(onDurable);
  }

  writePhase(row: records.PhaseRow, onDurable: () => void): void {
    this.#phaseToWrite = row;
    this.#commit.accept(onDurable);
  }

  /** The last transaction of a graceful stop. Rejects when it, or the one before it, fails. */
  close(schedule: records.ScheduleRow): Promise<void> {
    this.#isLedgerDirty = true;
    this.#scheduleToWrite = schedule;
    return new Promise<void>((resolve, reject) => {
      this.#whenFailed = reject;
      this.#commit.accept(resolve);
    });
  }

  #fill(): WriteBatch {
    const batch = new WriteBatch();
    const put = (key: Parameters<typeof records.keyFor>[0], value: Buffer): void =>
      batch.put(records.TABLE, records.keyFor(key), value);
    this.#options.life.ledger.cover(this.#options.nextFile());
    if (this.#isLedgerDirty || this.#snapshotToWrite !== null) this.#fillLedger(put);
    if (this.#snapshotToWrite !== null)
      put(`snapshot-${this.#snapshotToWrite.slot === 0 ? 0 : 1}`, sealBytes(this.#snapshotToWrite.bytes));
    const witness = this.#options.witness();
    if (witness !== null) put('witness', sealRow({ witness }));
    if (this.#scheduleToWrite !== null) put('schedule', sealRow(this.#scheduleToWrite));
    if (this.#endToWrite !== null) put('end', sealRow({ endStep: this.#endToWrite }));
    if (this.#reservationToWrite !== null) put('reserved', sealRow({ step: this.#reservationToWrite }));
    if (this.#phaseToWrite !== null) put('phase', sealRow(this.#phaseToWrite));
    this.#snapshotToWrite = null;
    this.#scheduleToWrite = null;
    this.#endToWrite = null;
    this.#phaseToWrite = null;
    return batch;
  }

  #fillLedger(put: (key: 'ledger' | 'position', value: Buffer) => void): void {
    const { ledger } = this.#options.life;
    const position = this.#options.position();
    put('ledger', sealBytes(ledger.save()));
    put('position', sealRow(position));
    const { offset } = position;
    const { verifiedTotal } = ledger;
    this.#commit.whenDurable(() => {
      this.#verifiedTotal = verifiedTotal;
      this.#offset = Math.max(this.#offset, offset);
    });
    this.#isLedgerDirty = false;
  }
}
