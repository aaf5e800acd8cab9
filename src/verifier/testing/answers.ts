/** What tests of the verifier claim about its answers. */

import type { ExecutionContext } from 'ava';
import { ViolationError, type ViolationKind, type ViolationWitness } from '../../core/errors.ts';

export async function violates(
  t: ExecutionContext,
  check: Promise<void>,
  kind: ViolationKind,
  witness: ViolationWitness,
): Promise<string> {
  const error = await t.throwsAsync(check, { instanceOf: ViolationError });
  t.is(error?.kind, kind);
  t.deepEqual(error?.witness, witness);
  return error?.message ?? '';
}

/** An answer that comes when the test says so. */
export class Held<T> {
  resolve: (value: T) => void = () => {};
  readonly promise: Promise<T> = new Promise((resolve) => {
    this.resolve = resolve;
  });
}

/** Whether a promise is settled by now. */
export async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = (): void => {
    settled = true;
  };
  promise.then(note, note);
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  return settled;
}
