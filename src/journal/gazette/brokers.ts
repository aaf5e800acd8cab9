/**
 * What is asked of the brokers about the end of a journal: appends, and barriers, which are appends of nothing whose
 * answer says where the journal ends. Both are acknowledged by every replica.
 *
 * It keeps how far each journal was seen durable: an answer that is below proves that the cluster has lost something.
 */

import { type Clock, delay } from '../../core/clock.ts';
import { OperatingError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { lossError } from '../loss.ts';
import { closedError } from './etcd.ts';
import { LostAnswers, lostTail } from './lost.ts';
import type { RpcCalls } from './rpc.ts';
import {
  type Meaning,
  STATUS,
  isRefusal,
  meaningOfError,
  meaningOfStatus,
  missingJournal,
  rejectedError,
  statusName,
  wordsOf,
} from './status.ts';
import { Wait } from './wait.ts';
import { type AppendRequest, type AppendResponse, type Label, numberOf, processName } from './wire.ts';

/** Between two tries. */
const RETRY_MS = 100;

export type BrokersOptions = {
  readonly rpc: RpcCalls;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Stands before the name of each journal, and ends with a slash. */
  readonly prefix: string;
  readonly log?: Log | undefined;
};

export type Barrier = {
  /** The journal's end: everything below is committed. */
  readonly end: number;
  /** The processes that have acknowledged it: each has everything below the end as it was committed. */
  readonly members: ReadonlySet<string>;
  /** The journal's registers, by name. */
  readonly registers: ReadonlyMap<string, string>;
};

export type AppendAnswer =
  | { readonly meaning: 'done'; readonly begin: number; readonly end: number }
  | { readonly meaning: 'mismatch'; readonly registers: ReadonlyMap<string, string> }
  | { readonly meaning: Exclude<Meaning, 'done' | 'mismatch'>; readonly why: string };

type Asked = { readonly running: Promise<Barrier>; next: Promise<Barrier> | null };

export class Brokers {
  readonly #options: BrokersOptions;
  readonly #barriers = new Map<string, Asked>();
  /** By journal, how far it was seen durable. */
  readonly #known = new Map<string, number>();
  /** Names the cluster's etcd, once a broker has answered. */
  clusterId = '';

  constructor(options: BrokersOptions) {
    this.#options = options;
  }

  get known(): ReadonlyMap<string, number> {
    return this.#known;
  }

  nameOf(journal: string): string {
    return `${this.#options.prefix}${journal}`;
  }

  /** Appends the parts as one, or says what became of it. Never repeats anything. */
  async append(journal: string, parts: readonly Uint8Array[], only: Condition): Promise<AppendAnswer> {
    let response: AppendResponse;
    try {
      response = await this.#options.rpc.append({ journal: this.nameOf(journal), ...only }, parts);
    } catch (error) {
      return { meaning: meaningOfError(error), why: wordsOf(error) };
    }
    const meaning = meaningOfStatus(response.status);
    if (meaning === 'mismatch') return { meaning, registers: registersOf(response) };
    if (meaning !== 'done') return { meaning, why: statusName(response.status) };
    const { begin, end } = this.#note(journal, response);
    return { meaning, begin, end };
  }

  /** The first offset that the journal keeps, as far as one broker knows. */
  async begin(journal: string): Promise<number> {
    const { clock, signal, rpc } = this.#options;
    const what = `where ${journal} begins`;
    const wait = this.waitFor(what);
    for (;;) {
      const {
        status,
        offset,
        write_head: head,
      } = await this.#answered(what, () => rpc.readMetadata(this.nameOf(journal), 0));
      const meaning = meaningOfStatus(status);
      if (meaning === 'missing') throw missingJournal(this.nameOf(journal));
      if (meaning === 'rejected') throw rejectedError(`reading ${journal}`, statusName(status));
      if (meaning === 'done') return numberOf(offset);
      // A journal without a byte has nothing to begin with. Else nothing is left of it, or what nobody has persisted.
      if (status === STATUS.OFFSET_NOT_YET_AVAILABLE) {
        return numberOf(head) === 0 ? 0 : await this.#firstListed(journal, numberOf(head));
      }
      wait.failed(statusName(status));
      await delay(clock, RETRY_MS, signal);
    }
  }

  /** Of the first broker that lists its fragments. Where none does, a read finds out. */
  async #firstListed(journal: string, head: number): Promise<number> {
    const { rpc } = this.#options;
    const request = { journal: this.nameOf(journal), next_page_token: '0' };
    for (let beyond = 0; beyond < rpc.brokerCount; beyond += 1) {
      try {
        const { status, fragments } = await rpc.listFragments(request, beyond);
        if (meaningOfStatus(status) === 'done') return numberOf(fragments[0]?.spec?.begin ?? String(head));
      } catch (error) {
        meaningOfError(error);
      }
    }
    return 0;
  }

  /** The names of all journals below the prefix. */
  async list(): Promise<string[]> {
    const { rpc, prefix } = this.#options;
    const { journals: found, header } = await this.#answered('a list', () => rpc.listJournals(prefix));
    this.clusterId = header?.etcd?.cluster_id ?? this.clusterId;
    return found.map(({ spec }) => spec?.name ?? '');
  }

  /** Tells the log of a hole that a reader has passed over. */
  passedOver(journal: string, begin: number, end: number): void {
    const detail = { journal: this.nameOf(journal), begin, end };
    this.#options.log?.warn(detail, `${this.nameOf(journal)} has a hole from ${begin} to ${end}: it was passed over`);
  }

  /** Tells the log of a wait for what is asked of the brokers. */
  waitFor(what: string): Wait {
    const { clock, log } = this.#options;
    return new Wait({ clock, log, what });
  }

  /** The answer to what may be asked again: until there is one. */
  async #answered<T>(what: string, request: () => Promise<T>): Promise<T> {
    const { clock, signal } = this.#options;
    const wait = this.waitFor(what);
    for (;;) {
      if (signal.aborted) throw closedError();
      try {
        const answer = await request();
        wait.over();
        return answer;
      } catch (error) {
        const isOver = meaningOfError(error) === 'rejected' || wait.refused(isRefusal(error));
        if (isOver) throw rejectedError(what, wordsOf(error));
        wait.failed(wordsOf(error));
        await delay(clock, RETRY_MS, signal);
      }
    }
  }

  /** A barrier that begins after this call. Calls that come while one is under way share the next one. */
  barrier(journal: string): Promise<Barrier> {
    const asked = this.#barriers.get(journal);
    if (asked !== undefined) {
      asked.next ??= asked.running.then(
        () => this.#start(journal),
        () => this.#start(journal),
      );
      return asked.next;
    }
    return this.#start(journal);
  }

  #start(journal: string): Promise<Barrier> {
    const running = this.#ask(journal);
    const asked: Asked = { running, next: null };
    this.#barriers.set(journal, asked);
    const done = (): void => {
      if (asked.next === null) this.#barriers.delete(journal);
    };
    running.then(done, done);
    return running;
  }

  async #ask(journal: string): Promise<Barrier> {
    const { clock, signal, rpc } = this.#options;
    const known = this.#known.get(journal) ?? 0;
    const lost = new LostAnswers();
    const wait = this.waitFor(`a barrier in ${journal}`);
    for (;;) {
      if (signal.aborted) throw closedError();
      let meaning: Meaning;
      let why: string;
      try {
        const response = await rpc.append({ journal: this.nameOf(journal) });
        meaning = meaningOfStatus(response.status);
        why = statusName(response.status);
        if (meaning === 'done') {
          wait.over();
          return this.#barrierOf(journal, response, known);
        }
      } catch (error) {
        meaning = meaningOfError(error);
        why = wordsOf(error);
      }
      if (meaning === 'missing') throw missingJournal(this.nameOf(journal));
      if (meaning === 'rejected' || meaning === 'mismatch' || meaning === 'moved')
        throw rejectedError(`a barrier in ${journal}`, why);
      if (lost.note(meaning, clock.nowNs())) throw lostTail(journal, known);
      wait.failed(why);
      await delay(clock, RETRY_MS, signal);
    }
  }

  #barrierOf(journal: string, response: AppendResponse, known: number): Barrier {
    const { end } = this.#note(journal, response);
    if (end < known) {
      throw lossError(`${journal} ended at ${known} or beyond, and ends at ${end} now`);
    }
    const members = new Set((response.header?.route?.members ?? []).map(processName));
    return { end, members, registers: registersOf(response) };
  }

  #note(journal: string, { commit, header }: AppendResponse): { begin: number; end: number } {
    if (commit === null) throw new OperatingError('ERR_GAZETTE_ANSWER', 'an append was answered without its place');
    const begin = numberOf(commit.begin);
    const end = numberOf(commit.end);
    this.#known.set(journal, Math.max(this.#known.get(journal) ?? 0, end));
    this.clusterId = header?.etcd?.cluster_id ?? this.clusterId;
    return { begin, end };
  }
}

export type Registers = Pick<AppendRequest, 'check_registers' | 'union_registers'>;
/** What must hold for an append to be carried out, and what it sets. */
export type Condition = Registers & Pick<AppendRequest, 'offset'>;

function registersOf({ registers }: AppendResponse): Map<string, string> {
  return new Map((registers?.labels ?? []).map(({ name, value }: Label) => [name, value]));
}
