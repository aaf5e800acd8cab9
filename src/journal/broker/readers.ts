/**
 * The streams of all sessions: each reader gets durable batches, as far as its credit reaches. When a newer owner has
 * taken a shard, the older owner's readers get nothing more. They are told when the raise is durable.
 */

import { PARTITIONS_MAX, type ShardEpoch, type StoredBatch } from '../journals.ts';
import type { BrokerMessage, ClientMessage } from '../protocol.ts';
import type { Frames } from '../../transport/transport.ts';
import type { JournalLog } from './journal-log.ts';
import type { Session } from './session.ts';
import type { BrokerState } from './state.ts';
import { Stream, type Taken } from './stream.ts';

/** One stream for each partition, and more for the sums. */
const STREAMS_PER_SESSION_MAX = PARTITIONS_MAX + 64;

export type ReadersOptions = {
  readonly state: BrokerState;
  /** The sessions of the broker, which opens and ends them. */
  readonly sessions: ReadonlyMap<string, Session>;
  readonly send: (session: string, message: BrokerMessage, frames?: Frames) => void;
  /** Calls back when everything that was accepted until now is durable. */
  readonly whenDurable: (call: () => void) => void;
};

export class Readers {
  readonly #state: BrokerState;
  readonly #sessions: ReadonlyMap<string, Session>;
  readonly #send: (session: string, message: BrokerMessage, frames?: Frames) => void;
  readonly #whenDurable: (call: () => void) => void;
  readonly #batchAt = (journal: JournalLog, offset: number): StoredBatch | null => this.#state.batchAt(journal, offset);

  constructor({ state, sessions, send, whenDurable }: ReadersOptions) {
    this.#state = state;
    this.#sessions = sessions;
    this.#send = send;
    this.#whenDurable = whenDurable;
  }

  /** Called after a commit. Journals then forget the batches in memory that every reader has passed. */
  pumpAll(): void {
    const journals = [...this.#state.journals.values()];
    /** By journal number: the place of the reader that is furthest behind. */
    const wanted = journals.map(({ head }) => head);
    for (const [session, { streams }] of this.#sessions) {
      for (const stream of streams.values()) {
        this.#pump(session, stream);
        const { number } = stream.journal;
        wanted[number] = Math.min(wanted[number] ?? 0, stream.next);
      }
    }
    for (const journal of journals) journal.forget(wanted[journal.number] ?? 0);
  }

  /** A client wants to read a journal. It gets a stream, or an `end` with the reason why not. */
  read(session: string, message: Extract<ClientMessage, { t: 'read' }>): void {
    const { stream: id, journal: name, offset, through, owner } = message;
    const streams = this.#sessions.get(session)?.streams;
    if (streams === undefined) return;
    const end = (reason: 'missing' | 'rejected', detail: string): void =>
      this.#send(session, { t: 'end', stream: id, reason, begin: 0, detail });
    if (owner !== undefined && this.#state.owners.isFenced(owner)) return this.#endFenced(session, id, owner);
    const journal = this.#state.journals.get(name);
    if (journal === undefined) return end('rejected', `there is no journal ${name}`);
    if (offset > journal.head) return end('missing', `${name} ends at ${journal.head}, before ${offset}`);
    if (!streams.has(id) && streams.size >= STREAMS_PER_SESSION_MAX)
      return end('rejected', 'too many streams in one session');
    if (offset >= journal.begin && offset < journal.head && this.#state.batchAt(journal, offset) === null) {
      return end('missing', `no batch of ${name} begins at ${offset}`);
    }
    const stream = new Stream({ id, journal, offset, through, owner });
    streams.set(id, stream);
    this.#pump(session, stream);
  }

  /** Waits until the newer epoch is durable. Otherwise a crash of the broker would leave the shard without an owner. */
  #endFenced(session: string, stream: number, owner: ShardEpoch): void {
    const { epoch } = this.#state.owners.fenced(owner);
    this.#whenDurable(() => this.#send(session, { t: 'end', stream, reason: 'fenced', begin: 0, detail: '', epoch }));
  }

  /** A client accepts more bytes of its streams. */
  grant(session: string, credits: Extract<ClientMessage, { t: 'credit' }>['credits']): void {
    const streams = this.#sessions.get(session)?.streams;
    for (const credit of credits) {
      const stream = streams?.get(credit.stream);
      if (stream === undefined) continue;
      stream.grant(credit);
      this.#pump(session, stream);
    }
  }

  #pump(session: string, stream: Stream): void {
    const streams = this.#sessions.get(session)?.streams;
    if (streams?.get(stream.id) !== stream) return;
    if (stream.owner !== undefined && this.#state.owners.isFenced(stream.owner)) {
      streams.delete(stream.id);
      return this.#endFenced(session, stream.id, stream.owner);
    }
    for (;;) {
      const partBytes = this.#sessions.get(session)?.partBytes ?? 0;
      const taken = stream.take(this.#batchAt, partBytes);
      if (taken === null) return;
      if (taken === 'trimmed') {
        streams.delete(stream.id);
        this.#send(session, {
          t: 'end',
          stream: stream.id,
          reason: 'trimmed',
          begin: stream.journal.begin,
          detail: '',
        });
        return;
      }
      this.#sendTaken(session, stream.id, taken);
    }
  }

  #sendTaken(session: string, stream: number, taken: Taken): void {
    if ('part' in taken) {
      const { begin, end, stampNs } = taken.part;
      this.#send(session, { t: 'part', stream, batch: [begin, end, stampNs], at: taken.at }, [taken.bytes]);
      return;
    }
    const spans = taken.batches.map(({ begin, end, stampNs }) => [begin, end, stampNs] as const);
    this.#send(
      session,
      { t: 'batches', stream, batches: spans },
      taken.batches.map(({ bytes }) => bytes),
    );
  }
}
