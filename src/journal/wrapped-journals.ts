/**
 * Journals that forward every call. A subclass overrides the calls that it watches, or in which something goes wrong.
 */

import type {
  AppendOutcome,
  ExpectedOutcome,
  PinOutcome,
  Journals,
  JournalsInfo,
  LeaveOptions,
  RaiseOptions,
  RaiseOutcome,
  ReadStream,
  ShardEpoch,
  VouchOutcome,
} from './journals.ts';
import type { StateLog } from './state-log.ts';

export class WrappedJournals implements Journals {
  protected readonly inner: Journals;

  constructor(inner: Journals) {
    this.inner = inner;
  }

  append(journal: string, batch: Uint8Array, owner?: ShardEpoch): Promise<AppendOutcome> {
    return this.inner.append(journal, batch, owner);
  }

  expected(journal: string, producer: string, owner?: ShardEpoch): Promise<ExpectedOutcome> {
    return this.inner.expected(journal, producer, owner);
  }

  read(journal: string, offset: number, options: { creditBytes: number; owner?: ShardEpoch }): ReadStream {
    return this.inner.read(journal, offset, options);
  }

  head(journal: string): Promise<number> {
    return this.inner.head(journal);
  }

  list(): Promise<JournalsInfo> {
    return this.inner.list();
  }

  get witness(): string | null {
    return this.inner.witness;
  }

  vouch(witness: string): Promise<VouchOutcome> {
    return this.inner.vouch(witness);
  }

  raise(shard: number, path: string, options: RaiseOptions): Promise<RaiseOutcome> {
    return this.inner.raise(shard, path, options);
  }

  confirm(owner: ShardEpoch, path: string): Promise<'confirmed' | 'fenced'> {
    return this.inner.confirm(owner, path);
  }

  report(owner: ShardEpoch, offset: number): Promise<'reported' | 'fenced'> {
    return this.inner.report(owner, offset);
  }

  openState(owner: ShardEpoch): StateLog | null {
    return this.inner.openState(owner);
  }

  pin(journal: string, name: string): Promise<PinOutcome> {
    return this.inner.pin(journal, name);
  }

  movePin(journal: string, name: string, offset: number, options?: LeaveOptions): Promise<'moved' | 'missing'> {
    return this.inner.movePin(journal, name, offset, options);
  }

  release(journal: string, name: string): Promise<void> {
    return this.inner.release(journal, name);
  }

  retire(journal: string, producer: string): Promise<void> {
    return this.inner.retire(journal, producer);
  }

  close(): void {
    this.inner.close();
  }
}
