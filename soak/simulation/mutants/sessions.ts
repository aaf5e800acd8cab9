/** A lost connection, or a restarted broker, should have changed something and did not. */

import type { Clock } from '../../../src/core/clock.ts';
import type { AppendOutcome, Journals, ShardEpoch } from '../../../src/journal/journals.ts';
import { WrappedJournals } from '../../../src/journal/wrapped-journals.ts';
import type { ClientLink, Dialer, Frames } from '../../../src/transport/transport.ts';
import type { Decorations, Subject } from '../decorations.ts';
import { withBreaks, withBrokerCrashes } from './adapt-broker.ts';
import { opened } from './decorated.ts';
import { watchingLoss } from './durability.ts';
import type { Mutant } from './mutant.ts';
import { type Told, ToldJournals } from './told.ts';

export const SESSIONS_MUTANTS: readonly Mutant[] = [
  {
    name: 'unknown-taken-for-committed',
    class: 'sessions',
    bug: 'an append whose connection was lost counts as acknowledged',
    // When no append follows, the journal is never asked again.
    kinds: ['acknowledged-loss', 'lost', 'late'],
    decorations: () => {
      const told: Told = new Map();
      return {
        chunker: (options, subject) => ({
          ...options,
          journals: new ToldJournals(new Optimist(options.journals, options.clock), told, subject),
        }),
      };
    },
    adapt: withBreaks,
  },
  {
    name: 'answers-of-an-old-session-accepted',
    class: 'sessions',
    bug: 'the last acknowledgements of a session are accepted in the next one, where others have their numbers',
    kinds: ['acknowledged-loss'],
    decorations: () => ({
      ...watchingLoss(new Map()),
      dialer: (dialer, { component }) => (component === 'chunker' ? new OldAnswers(dialer) : dialer),
    }),
    adapt: withBrokerCrashes,
  },
  {
    name: 'credit-lost-after-broker-restart',
    class: 'sessions',
    bug: 'once the broker was restarted, summers read without a credit',
    kinds: ['lost', 'late'],
    decorations: () => {
      let brokers = 0;
      return {
        broker: (options) => {
          brokers += 1;
          return options;
        },
        dialer: (dialer, subject) =>
          subject.component === 'summer' ? withoutCredit(dialer, subject, () => brokers > 1) : dialer,
      };
    },
  },
  {
    name: 'nothing-sent-again',
    class: 'sessions',
    bug: 'a batch that is sent again does not leave',
    kinds: ['late', 'lost'],
    decorations: notSentAgain,
    adapt: withBreaks,
  },
];

/** Assumes the best about every unknown outcome. */
class Optimist extends WrappedJournals {
  readonly #clock: Clock;

  constructor(inner: Journals, clock: Clock) {
    super(inner);
    this.#clock = clock;
  }

  override async append(journal: string, batch: Uint8Array, owner?: ShardEpoch): Promise<AppendOutcome> {
    const outcome = await this.inner.append(journal, batch, owner);
    return outcome.outcome === 'unknown'
      ? { outcome: 'committed', begin: 0, end: 0, stampNs: this.#clock.nowNs() }
      : outcome;
  }
}

type Header = Record<string, unknown> & { readonly t: string };

function headerOf([first]: Frames): Header {
  return JSON.parse(Buffer.from(first ?? new Uint8Array(0)).toString('utf8')) as Header;
}

function withHeader(frames: Frames, header: object): Frames {
  return [Buffer.from(JSON.stringify(header), 'utf8'), ...frames.slice(1)];
}

/** Appends of each session are numbered from 1. The acknowledgements of the previous session are heard again. */
class OldAnswers implements Dialer {
  readonly #dialer: Dialer;
  /** The incarnation of the last broker that was heard, and the number of its last durable commit. */
  #incarnation = '';
  #commit: unknown = 0;
  /** The last acknowledgements of the previous session. */
  #old: readonly { readonly id: number; readonly outcome: unknown }[] = [];

  constructor(dialer: Dialer) {
    this.#dialer = dialer;
  }

  dial(session: string, events: Parameters<Dialer['dial']>[1]): ClientLink {
    const old = this.#old;
    /** By number in this session: the client's own number. */
    const ids: number[] = [];
    const link = this.#dialer.dial(session, {
      ...events,
      onMessage: (frames) => {
        const header = headerOf(frames);
        this.#incarnation = String(header['i']);
        this.#commit = header['c'];
        if (header.t !== 'acks') return events.onMessage(frames);
        this.#old = (header['acks'] as { id: number; outcome: unknown }[]).slice(-1).map((ack) => ({ ...ack, id: 1 }));
        const acks = (header['acks'] as { id: number; outcome: unknown }[]).map((ack) => ({
          ...ack,
          id: ids[ack.id - 1],
        }));
        events.onMessage(withHeader(frames, { ...header, acks }));
      },
    });
    return {
      send: (frames) => {
        const header = headerOf(frames);
        if (header.t !== 'append') return link.send(frames);
        ids.push(Number(header['id']));
        link.send(withHeader(frames, { ...header, id: ids.length }));
        const again = old.filter(({ id }) => id === ids.length).map((ack) => ({ ...ack, id: ids[ack.id - 1] }));
        if (again.length > 0) this.#hear(events, session, again);
      },
      close: () => link.close(),
    };
  }

  #hear(events: Parameters<Dialer['dial']>[1], session: string, acks: readonly object[]): void {
    queueMicrotask(() =>
      events.onMessage(
        withHeader([new Uint8Array(0)], { t: 'acks', acks, i: this.#incarnation, s: session, c: this.#commit }),
      ),
    );
  }
}

function withoutCredit(dialer: Dialer, { tookEffect }: Subject, isLost: () => boolean): Dialer {
  return {
    dial: (session, events) => {
      const link = dialer.dial(session, events);
      return {
        send: (frames) => {
          if (!isLost()) return link.send(frames);
          const header = headerOf(frames);
          if (header.t === 'credit') return undefined;
          if (header.t === 'ping') return link.send(withHeader(frames, { ...header, credits: [] }));
          if (header.t !== 'read') return link.send(frames);
          tookEffect();
          return link.send(withHeader(frames, { ...header, through: header['offset'] }));
        },
        close: () => link.close(),
      };
    },
  };
}

/** The journals of a chunker that sends each batch once over all its incarnations. */
function notSentAgain(): Decorations {
  const sent = new Set<string>();
  return {
    chunker: (options, { tookEffect }) => ({ ...options, journals: new SentOnce(options.journals, sent, tookEffect) }),
  };
}

class SentOnce extends WrappedJournals {
  /** Producer, journal and first index of each batch. */
  readonly #sent: Set<string>;
  readonly #onNotSent: () => void;

  /** `onNotSent`: the journal waits for a batch that does not leave. */
  constructor(inner: Journals, sent: Set<string>, onNotSent: () => void) {
    super(inner);
    this.#sent = sent;
    this.#onNotSent = onNotSent;
  }

  override async append(journal: string, bytes: Uint8Array, owner?: ShardEpoch): Promise<AppendOutcome> {
    const { producer, firstIndex } = opened(bytes, journal);
    const key = `${producer} ${journal} ${firstIndex}`;
    if (!this.#sent.has(key)) {
      this.#sent.add(key);
      return this.inner.append(journal, bytes, owner);
    }
    const answer = await this.inner.expected(journal, producer, owner);
    if (answer.outcome !== 'expected' || answer.n > firstIndex) return answer;
    this.#onNotSent();
    return new Promise(() => {});
  }
}
