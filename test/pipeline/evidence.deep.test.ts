/** The evidence of planted faults that `evidence.test.ts` leaves out. */

import test from 'ava';
import { evidenceOf } from './testing/evidence-of.ts';

test.serial('a sum that was published twice is told as such', async (t) => {
  const { witness } = await evidenceOf(t, 'repeat-sum');
  t.regex(witness, /^VIOLATED {2}duplicate: /m);
  t.regex(witness, /There are 2 sums of one file: it was published more than once\./);
});

test.serial(
  'a batch that was altered on its way to the summer is right in the journal: the way is to blame',
  async (t) => {
    const { witness } = await evidenceOf(t, 'alter-batch');
    t.regex(witness, /^VIOLATED {2}corrupt: something does not verify$/m);
    t.regex(
      witness.replaceAll(/\s+/g, ' '),
      /verifies in the kept journal, and its \d+ records are what the seed says\. Whoever found something else/,
    );
    // The log of the summer says what it received.
    t.regex(witness, /summer-0, fatal: violation=corrupt/);
  },
);
