/**
 * Answers that are possible only if the journals have lost what they had said was durable. Pure.
 *
 * Rule P-LOSS-3 of docs/protocol.md.
 */

import { assert } from '../core/assert.ts';
import type { ViolationError } from '../core/errors.ts';
import type { ShardEpoch } from './journals.ts';
import { lossError } from './loss.ts';
import type { Call } from './protocol.ts';

/**
 * Epochs only rise, and an owner knows its epoch from a durable answer. So an owner that is fenced by a lower epoch has
 * no successor: the broker went back. `null`: there is a newer owner.
 */
export function lossByEpoch({ shard, epoch }: ShardEpoch, present: number): ViolationError | null {
  if (present > epoch) return null;
  return lossError(`shard ${shard} was raised to epoch ${epoch}, and is at epoch ${present}`);
}

/**
 * The loss that the answer to a call proves, or `null`. A client reports and pins only what it was shown, and only
 * durable batches are shown.
 */
export function lossInAnswer(call: Call, answer: Record<string, unknown>): ViolationError | null {
  const { outcome, epoch, head } = answer;
  if (outcome === 'fenced' && 'owner' in call && call.owner !== undefined)
    return lossByEpoch(call.owner, Number(epoch));
  if (outcome === 'beyond' && 'offset' in call) return lossBeyond(nameOf(call), call.offset, `ends at ${Number(head)}`);
  return null;
}

/** A journal lacks a batch that was read from it. */
export function lossBeyond(journal: string, offset: number, detail: string): ViolationError {
  return lossError(`${journal} was durable up to ${offset}, and ${detail}`, { journal, offset });
}

function nameOf(call: Extract<Call, { offset: number }>): string {
  return 'journal' in call ? call.journal : `the journal of shard ${call.owner.shard}`;
}

/** Answers that would prove a loss were rejected before. */
export function possible<T extends string>(outcome: T): Exclude<T, 'beyond'> {
  assert(outcome !== 'beyond', 'an answer that proves a loss was rejected before');
  return outcome as Exclude<T, 'beyond'>;
}
