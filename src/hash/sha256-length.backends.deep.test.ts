/** A byte count that needs more than 32 bits. `sha256-manners.backends.test.ts` has a message whose bit count does. */

import { createHash } from 'node:crypto';
import test from 'ava';
import { Sha256 } from './sha256.ts';

test('more than 2^32 bytes in many updates have the digest of node:crypto', (t) => {
  t.timeout(1_800_000);
  const piece = Buffer.alloc(1 << 26);
  const [theirs, ours] = [createHash('sha256'), new Sha256()];
  for (let count = 0; count < 66; count += 1) {
    theirs.update(piece);
    ours.update(piece);
  }
  t.is(ours.byteCount, 66 * 2 ** 26);
  const resumed = Sha256.deserialize(ours.serialize());
  t.is(resumed.update('end').digest('hex'), theirs.update('end').digest('hex'));
});
