/**
 * A witness says which state a broker has reported as durable: the store, the start of the broker, and the number of
 * its last durable commit. Shown to a later start, it proves whether that start still has everything that was told.
 *
 * As text, which its holders keep beside the thing that it vouches for: store, incarnation, commit and address, with
 * one space between them. The address comes last, because it may contain spaces.
 *
 * Rules P-LOSS-1, P-LOSS-5 of docs/protocol.md.
 */

import { isCount } from '../core/assert.ts';
import { UsageError } from '../core/errors.ts';
import type { Journals } from './journals.ts';
import { lossError } from './loss.ts';

export type Witness = {
  /** Names the broker's store, from its creation on. */
  readonly store: string;
  /** Names the start of the broker that made the commit, or a later start that found the commit in its store. */
  readonly incarnation: string;
  /** All commits of the store up to this number are durable. */
  readonly commit: number;
};

/**
 * What a broker answers to a witness.
 *
 * - `held`: its store has every commit up to the one that the witness names.
 * - `lost`: it is an older copy of the same store, which lacks some of these commits.
 * - `another`: it is another store, or a new one.
 * - `unknown`: the witness is too many starts old.
 */
export type Vouching = 'held' | 'lost' | 'another' | 'unknown';

export function encodeWitness({ store, incarnation, commit }: Witness, address: string): string {
  return `${store} ${incarnation} ${commit} ${address}`;
}

/** `null`: the text is not a witness. */
export function decodeWitness(text: string): (Witness & { readonly address: string }) | null {
  const [store, incarnation, commit, ...address] = text.split(' ');
  if (store === undefined || incarnation === undefined || !isCount(Number(commit)) || address.length === 0) return null;
  return { store, incarnation, commit: Number(commit), address: address.join(' ') };
}

export function isWitness(value: unknown): value is string {
  return typeof value === 'string' && decodeWitness(value) !== null;
}

/** Why a broker's answer to a witness proves a loss, in words. */
export function lossDetail(vouching: 'lost' | 'another', { incarnation, commit }: Witness): string {
  const last = `commit ${commit} of its start ${incarnation} was durable`;
  return vouching === 'lost'
    ? `${last}, and its store has none such: it is an older copy`
    : `${last}, and its store is another one: it was replaced by an empty one or by that of another broker`;
}

/**
 * Asks whether the journals still have everything that they had said when the witness was taken. `what` names its
 * holder. Throws a ViolationError when they have not, and a UsageError when they belong to another broker, elsewhere.
 */
export async function checkWitness(journals: Journals, witness: string | null, what: string): Promise<void> {
  if (witness === null) return;
  const outcome = await journals.vouch(witness);
  if (outcome.outcome === 'held') return;
  if (outcome.outcome === 'lost') throw lossError(`${outcome.detail} (${what} proves it)`);
  throw new UsageError(
    `${what} belongs to the broker at ${outcome.address}, and this is another one: ` +
      'connect to that one, or use an empty --data folder',
  );
}
