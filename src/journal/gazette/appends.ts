/**
 * The appends of one producer to one journal, one under way at a time, because brokers reorder appends that are not.
 * Batches that wait are appended together, as one atomic append, in their order.
 *
 * An append whose outcome is unknown may be in the journal. Its batch and all that waits behind it end as `unknown`,
 * and their owner sends them again: the journal may then have them twice, and readers skip by producer and index.
 * Only an end is looked for first, because readers forget a producer with its end.
 *
 * Registers of the journal fence what the look at etcd before each append cannot: `shard-N` is the epoch of the last
 * owner of a shard that has appended, `ended-PRODUCER` is set by each end. An empty set of registers matches
 * everything, and is what is left when all brokers of a journal were lost at once.
 */

import { assert } from '../../core/assert.ts';
import { type Clock, delay } from '../../core/clock.ts';
import { OperatingError } from '../../core/errors.ts';
import { crc32c } from '../../hash/crc32c.ts';
import { type Batch, encodeBatch } from '../../message/batch.ts';
import type { AppendOutcome, Fenced, ShardEpoch } from '../journals.ts';
import type { AppendAnswer, Brokers, Registers } from './brokers.ts';
import { closedError } from './etcd.ts';
import type { Indexes } from './indexes.ts';
import { LostAnswers, lostTail } from './lost.ts';
import { Pace } from './pace.ts';
import type { Registry } from './registry.ts';
import { missingJournal } from './status.ts';
import type { Wait } from './wait.ts';

/** The most bytes that are appended together. */
const GROUP_BYTES = 4 * 1024 * 1024;
/** From so many bytes on an append waits for no others. */
const ENOUGH_BYTES = 512 * 1024;
/** Between two tries of what was not carried out. */
const RETRY_MS = 100;

export type LaneOptions = {
  readonly journal: string;
  readonly producer: string;
  readonly brokers: Brokers;
  readonly registry: Registry;
  readonly indexes: Indexes;
  readonly clock: Clock;
  readonly signal: AbortSignal;
};

type Pending = {
  readonly batch: Uint8Array;
  readonly header: Pick<Batch, 'kind' | 'firstIndex' | 'count'>;
  readonly owner: ShardEpoch | undefined;
  readonly resolve: (outcome: AppendOutcome) => void;
  readonly reject: (error: Error) => void;
};

export type Append = Pick<Pending, 'batch' | 'header' | 'owner'>;

export class AppendLane {
  readonly #options: LaneOptions;
  #queue: Pending[] = [];
  #isRunning = false;
  /** The next index, and whether the producer has ended; `null`: to be found. */
  #place: { readonly next: number; readonly ended: boolean } | null = null;
  /** The epoch that the journal's register has by an append from here. */
  #fencedEpoch = -1;
  readonly #lost = new LostAnswers();
  readonly #pace: Pace;
  readonly #wait: Wait;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#pace = new Pace(options.clock);
    this.#wait = options.brokers.waitFor(`an append to ${options.journal}`);
  }

  append(append: Append): Promise<AppendOutcome> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ ...append, resolve, reject });
      if (this.#isEnough) this.#pace.hurry();
      this.#start();
    });
  }

  /** Nothing will be answered any more. */
  lose(): void {
    for (const { resolve } of this.#queue.splice(0)) resolve({ outcome: 'unknown' });
  }

  #start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#run()
      .catch((error: unknown) => {
        const thrown = error instanceof Error ? error : new Error(String(error));
        for (const { reject } of this.#queue.splice(0)) reject(thrown);
      })
      .finally(() => {
        this.#isRunning = false;
        if (this.#queue.length > 0 && !this.#options.signal.aborted) this.#start();
      });
  }

  async #run(): Promise<void> {
    const { indexes, registry, journal, producer, signal } = this.#options;
    while (this.#queue.length > 0 && !signal.aborted) {
      if (!this.#isEnough) await this.#pace.due(signal);
      const [first] = this.#queue;
      if (first === undefined || signal.aborted) return;
      const fenced = first.owner === undefined ? null : await registry.fencing(first.owner);
      if (fenced !== null) {
        this.#settle(1, () => fenced);
        continue;
      }
      this.#place ??= await indexes.find(journal, producer);
      const { next, ended } = this.#place;
      if (ended) this.#settle(1, () => ({ outcome: 'ended', n: next }));
      else if (first.header.firstIndex !== next) this.#settle(1, () => this.#expected(next));
      else {
        const group = this.#group();
        await this.#pace.call(bytesOf(group), () => this.#appendGroup(group));
      }
    }
  }

  /** Whether enough waits for an append of its own. */
  get #isEnough(): boolean {
    return bytesOf(this.#queue) >= ENOUGH_BYTES;
  }

  #expected(n: number): AppendOutcome {
    return { outcome: 'expected', n, stampNs: this.#options.clock.nowNs() };
  }

  /** Those at the front that follow each other, of one owner, and nothing behind an end. */
  #group(): readonly Pending[] {
    const group: Pending[] = [];
    let bytes = 0;
    for (const pending of this.#queue) {
      const last = group.at(-1);
      bytes += pending.batch.length;
      if (last !== undefined) {
        const follows = last.header.firstIndex + last.header.count === pending.header.firstIndex;
        const isSameOwner = last.owner?.epoch === pending.owner?.epoch;
        if (bytes > GROUP_BYTES || !follows || !isSameOwner || last.header.kind === 'end') break;
      }
      group.push(pending);
    }
    return group;
  }

  async #appendGroup(group: readonly Pending[]): Promise<void> {
    const { brokers, journal, clock, signal } = this.#options;
    const [first] = group;
    const last = group.at(-1);
    assert(first !== undefined && last !== undefined, 'a group has a batch');
    const registers = await this.#registersFor(last);
    if ('outcome' in registers) return this.#settle(1, () => registers);
    for (;;) {
      const parts = group.map(({ batch }) => batch);
      const answer = await brokers.append(journal, parts, registers);
      if (signal.aborted) return;
      if (this.#lost.note(answer.meaning, clock.nowNs())) throw lostTail(journal, brokers.known.get(journal) ?? 0);
      switch (answer.meaning) {
        case 'done':
          this.#wait.over();
          return await this.#committed(group, answer);
        case 'unknown':
          this.#wait.failed(answer.why);
          return await this.#unknown();
        case 'mismatch':
          return await this.#mismatched(first.owner, answer.registers);
        case 'missing':
          throw missingJournal(brokers.nameOf(journal));
        case 'moved':
        case 'rejected':
          throw new OperatingError('ERR_APPEND_REJECTED', `the cluster rejects an append to ${journal}: ${answer.why}`);
        case 'lost':
        case 'later':
          this.#wait.failed(answer.why);
          break;
        default:
          throw answer satisfies never;
      }
      await delay(clock, RETRY_MS, signal);
      // Much may have happened meanwhile.
      if (first.owner !== undefined) return;
    }
  }

  async #committed(group: readonly Pending[], answer: { readonly begin: number; readonly end: number }): Promise<void> {
    const { clock, indexes, journal, producer } = this.#options;
    const stampNs = clock.nowNs();
    const last = group.at(-1);
    assert(last !== undefined, 'a group has a batch');
    const next = last.header.firstIndex + last.header.count;
    const ended = last.header.kind === 'end';
    this.#place = { next, ended };
    if (last.owner !== undefined) this.#fencedEpoch = last.owner.epoch;
    const noted = indexes.note(journal, producer, { offset: answer.end, next, ended });
    if (ended) await noted;
    let { begin } = answer;
    this.#settle(group.length, ({ batch }) => {
      const end = begin + batch.length;
      const outcome = { outcome: 'committed', begin, end, stampNs } as const;
      begin = end;
      return outcome;
    });
    assert(begin === answer.end, `an append of ${journal} has another size than what was appended`);
  }

  /** Whoever sends again does it at once. */
  async #unknown(): Promise<void> {
    const { clock, signal } = this.#options;
    if (this.#queue.some(({ header }) => header.kind === 'end')) this.#place = null;
    this.#fencedEpoch = -1;
    await delay(clock, RETRY_MS, signal);
    this.lose();
  }

  async #mismatched(owner: ShardEpoch | undefined, registers: ReadonlyMap<string, string>): Promise<void> {
    this.#fencedEpoch = -1;
    // The producer is ended, by a process that retired it or by a late copy of an append from here. Else the register
    // of a shard is looked at anew.
    if (owner === undefined && registers.has(endedRegister(this.#options.producer))) await this.retire();
  }

  /** What the registers must be for the append, and what it sets: an end keeps late copies of all before it out. */
  async #registersFor({ owner, header }: Append): Promise<Registers | Fenced> {
    const { brokers, journal, producer } = this.#options;
    if (owner === undefined) {
      const name = endedRegister(producer);
      const check = { check_registers: { exclude: { labels: [{ name, value: '' }] } } };
      if (header.kind !== 'end') return check;
      return { ...check, union_registers: { labels: [{ name, value: endedValue(header.firstIndex + 1) }] } };
    }
    const name = `shard-${owner.shard}`;
    const union = { labels: [{ name, value: String(owner.epoch) }] };
    if (this.#fencedEpoch === owner.epoch) return { check_registers: { include: union }, union_registers: union };
    const present = (await brokers.barrier(journal)).registers.get(name);
    if (present === undefined) {
      return { check_registers: { exclude: { labels: [{ name, value: '' }] } }, union_registers: union };
    }
    if (Number(present) > owner.epoch) return { outcome: 'fenced', epoch: Number(present) };
    return { check_registers: { include: { labels: [{ name, value: present }] } }, union_registers: union };
  }

  #settle(count: number, outcomeOf: (pending: Pending) => AppendOutcome): void {
    for (const pending of this.#queue.splice(0, count)) pending.resolve(outcomeOf(pending));
  }

  /**
   * Ends the producer behind its last record. Resolves when its end is in the journal at the index that readers expect.
   *
   * A batch of the dead producer may be late, and land between the look at its next index and the end:
   *
   *     find: next 4     batch 4, 5 lands     end at 4 is appended, and sets the register
   *
   * Readers expect index 6 then and skip that end as a repetition, and so does `Indexes`. But from the register on no
   * batch of the producer can land, for each checks that there is none. So the next look finds 6 for good, and a
   * second end is appended at 6.
   *
   * Each end checks the register that was seen before the look, and changes it. So an end lands only where nothing of
   * the producer landed since its look, but for the first one; and of several ends, by others who retire the same
   * producer or by late copies of tries from here, one lands for each value. Values never come again, for they count
   * the ends. Behind an end that counts nothing lands: whoever sees the register that it set finds that end.
   */
  async retire(): Promise<void> {
    const { brokers, indexes, journal, producer, clock, signal } = this.#options;
    const name = endedRegister(producer);
    const wait = brokers.waitFor(`the end of producer ${producer} in ${journal}`);
    while (!signal.aborted) {
      const present = (await brokers.barrier(journal)).registers.get(name);
      const { next, ended } = await indexes.find(journal, producer);
      if (ended) {
        this.#place = { next, ended };
        return;
      }
      const header = { kind: 'end', producer, firstIndex: next, count: 1, epoch: 0 } as const;
      const end = encodeBatch(header, new Uint8Array(0), journal, crc32c);
      const isAbsent = { exclude: { labels: [{ name, value: '' }] } };
      const answer: AppendAnswer = await brokers.append(journal, [end], {
        check_registers: present === undefined ? isAbsent : { include: { labels: [{ name, value: present }] } },
        union_registers: { labels: [{ name, value: endedValue(next + 1, present) }] },
      });
      if (answer.meaning === 'missing') throw missingJournal(brokers.nameOf(journal));
      if (answer.meaning === 'rejected' || answer.meaning === 'moved') {
        throw new OperatingError('ERR_APPEND_REJECTED', `the cluster rejects an append to ${journal}: ${answer.why}`);
      }
      if (answer.meaning === 'done') continue;
      wait.failed(answer.meaning === 'mismatch' ? 'its register has changed' : answer.why);
      await delay(clock, RETRY_MS, signal);
    }
    throw closedError();
  }
}

function bytesOf(appends: readonly Append[]): number {
  return appends.reduce((sum, { batch }) => sum + batch.length, 0);
}

function endedRegister(producer: string): string {
  return `ended-${producer}`;
}

/** The number of records with the end, then how many ends were appended: `5/1`, and after `5/1` for instance `7/2`. */
function endedValue(count: number, present = '/0'): string {
  return `${count}/${Number(present.slice(present.indexOf('/') + 1)) + 1}`;
}
