/** The error of a broker that has lost what it had said was durable. */

import { ViolationError } from '../core/errors.ts';

export function lossError(detail: string, witness: ViolationError['witness'] = {}): ViolationError {
  return new ViolationError('acknowledged-loss', `the broker has lost what it had acknowledged: ${detail}`, witness);
}
