/**
 * A witness says how far a broker has told somebody that it is durable: the store, the start of the broker, and the
 * number of its last durable commit. Shown to a later start, it proves whether that still has all that was told.
 *
 * As text, which its holders keep with what it is the witness of: store, incarnation, commit and address, one space
 * between them. The address comes last, for it may hold spaces itself.
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
  /** Names the start of the broker that made the commit, or a later one that found it in its store. */
  readonly incarnation: string;
  /** All commits of the store up to this number are durable. */
  readonly commit: number;
};

/**
 * What a broker answers to a witness.
 *
 * - `held`: its store has every commit up to the one that the witness names.
 * - `lost`: it is the same store, and has not: an older copy of it.
 * - `another`: it is another store, or a new one.
 * - `unknown`: that was too many starts ago.
 */
export type Vouching = 'held' | 'lost' | 'another' | 'unknown';

export function encodeWitness({ store, incarnation, commit }: Witness, address: string): string {
  return `${store} ${incarnation} ${commit} ${address}`;
}

/** `null`: the text is no witness. */
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
 * Asks whether the journals still have all that they had said when the witness was taken. `what` names who has kept it.
 * Throws a ViolationError when they have not, and a UsageError when they are those of another broker, elsewhere.
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
