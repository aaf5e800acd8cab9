/** What the broker does for each call of a client, by the rules of `state.ts`, and when it may answer. */

import { unreachable } from '../../core/assert.ts';
import type { Call } from '../protocol.ts';
import { PINS_MAX } from './pins.ts';
import type { JournalLog } from './journal-log.ts';
import { isShardPin } from './restore.ts';
import type { BrokerState } from './state.ts';

/**
 * The ways to answer a call: at once, when everything accepted is durable, or with a reason why it can never succeed.
 */
export type Answers = {
  readonly reply: (result: unknown) => void;
  readonly durably: (result: unknown) => void;
  readonly refuse: (reason: string) => void;
  /** Something was accepted. It goes into the next commit. Calls back when that commit is durable. */
  readonly commit: (whenDurable?: () => void) => void;
};

export function answerCall(call: Call, state: BrokerState, answers: Answers): void {
  if ('owner' in call && call.owner !== undefined && state.owners.isFenced(call.owner))
    return answers.durably(state.owners.fenced(call.owner));
  if (!('journal' in call)) return answerShard(call, state, answers);
  const journal = state.journals.get(call.journal);
  if (journal === undefined) return answers.refuse(`there is no journal ${call.journal}`);
  answerJournal(journal, call, state, answers);
}

function answerShard(
  call: Exclude<Call, { journal: string }>,
  state: BrokerState,
  { reply, durably, refuse, commit }: Answers,
): void {
  switch (call.op) {
    case 'list':
      // At once: components use only the layout, which never changes, and heads, which are durable. Epochs, owners and
      // pins may not be durable yet; only people and audits look at those.
      return reply(state.info());
    case 'vouch':
      return reply({ outcome: state.lineage.vouch(call.witness) });
    case 'raise': {
      const outcome = state.owners.raise(call.shard, call.path, call);
      if (outcome === null) return refuse(`there is no shard ${call.shard}`);
      if (outcome.outcome !== 'raised') return durably(outcome);
      return commit(() => reply(outcome));
    }
    case 'confirm':
      state.owners.confirm(call.owner, call.path);
      return commit(() => reply({ outcome: 'confirmed' }));
    case 'report': {
      const { journal, name } = state.shardPin(call.owner.shard);
      if (call.offset > journal.head) return reply({ outcome: 'beyond', head: journal.head });
      state.pins.move(journal, name, call.offset);
      if (state.wantsTrim(journal)) commit();
      return reply({ outcome: 'reported' });
    }
    default:
      return unreachable(call);
  }
}

function answerJournal(
  journal: JournalLog,
  call: Extract<Call, { journal: string }>,
  state: BrokerState,
  { reply, durably, refuse, commit }: Answers,
): void {
  switch (call.op) {
    case 'head':
      return reply({ head: journal.head });
    case 'expected': {
      const producer = journal.producers.get(call.producer);
      const n = producer?.next ?? 0;
      return durably(producer?.ended === true ? { outcome: 'ended', n } : { outcome: 'expected', n, stampNs: 0 });
    }
    case 'retire':
      if (journal.kind !== 'chunks') return refuse('a shard has no end');
      if (!state.retire(journal, call.producer)) return refuse(state.tooManyProducers(journal));
      return commit(() => reply({ outcome: 'ended' }));
    case 'hold': {
      if (isShardPin(journal, call.name)) return refuse('the pin of a shard is made with its journal');
      // The verifier has released its pin, or will. A late copy of the request must not make the pin again, because
      // nobody would use it.
      if (hasEnded(call.name, state)) return refuse(`producer ${call.name} has ended, and needs no pin`);
      const outcome = state.pins.make(journal, call.name);
      if (outcome === null)
        return refuse(`${journal.name} has ${PINS_MAX} pins: retire chunkers that are gone for good`);
      return commit(() => reply(outcome));
    }
    case 'move-hold': {
      if (isShardPin(journal, call.name)) return refuse('a shard moves its pin by reports');
      const { name, offset, isLeaving = false } = call;
      if (offset > journal.head) return reply({ outcome: 'beyond', head: journal.head });
      const outcome = state.pins.move(journal, name, offset, isLeaving);
      if (isLeaving) return commit(() => reply({ outcome }));
      if (state.wantsTrim(journal) || state.pins.wantsWrite(journal, name)) commit();
      return reply({ outcome });
    }
    case 'release':
      if (isShardPin(journal, call.name)) return refuse('the pin of a shard is never released');
      state.pins.release(journal, call.name);
      return commit(() => reply({ outcome: 'released' }));
    default:
      return unreachable(call);
  }
}

/** Whether the producer has ended in any journal. */
function hasEnded(producer: string, { journals }: BrokerState): boolean {
  return Array.from(journals.values()).some(({ producers }) => producers.get(producer)?.ended === true);
}
