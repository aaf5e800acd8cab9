/** The evidence of one planted fault; `evidence.deep.test.ts` has others. */

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { crc32c } from '../../src/hash/crc32c.ts';
import { decodeBatch } from '../../src/message/batch.ts';
import { readCsv } from '../../src/results/csv.ts';
import { evidenceOf } from './testing/evidence-of.ts';

test.serial(
  'a sum that was altered on its way leads to who publishes it: the journal holds the right bytes',
  async (t) => {
    const { folder, witness, data } = await evidenceOf(t, 'alter-sum');
    t.regex(witness, /^VIOLATED {2}mismatched: a sum is not that of its file$/m);
    t.regex(witness, /All 11 records of the file are in the kept journal, and their digest is that of the seed\./);
    t.regex(witness, /A WRONG sum of it stands at \d+, record \d+ of shard \d with epoch 1\./);
    t.regex(witness, /The journal holds the right bytes: the sum went wrong in who folded or published it\./);
    // The sum leaves the store with the transaction after its publication. The verdict may come before.
    const left = 'the file is not open there';
    const waiting = "the file's sum is finished there, as record \\d+, and not yet known there to be published";
    const place = 'The store of summer-0 has shard \\d folded up to \\d+, its next sum is \\d+';
    t.regex(witness.replaceAll(/\n +/g, ' '), new RegExp(`${place}; (?:${left}|${waiting})\\.`));
    t.regex(witness, /Repeat the run: npx stream-sum soak --seed 1$/m);
    const chunks = readCsv(join(folder, 'chunks.csv'));
    t.is(chunks.length, 11);
    for (const row of chunks) t.is(row['is_right'], '1');
    // The batches are as in the journal, and each verifies.
    const batches = readdirSync(join(folder, 'batches'));
    t.true(batches.some((name) => name.startsWith('sums-')));
    for (const name of batches) {
      const journal = name.replace(/-\d+\.bin$/, '').replace('chunks-', 'chunks/');
      t.false('fault' in decodeBatch(readFileSync(join(folder, 'batches', name)), journal, crc32c), name);
    }
    const { expected, journals } = data as {
      expected: { digest: string };
      journals: { digest: string; sums: { digest: string }[] };
    };
    t.is(journals.digest, expected.digest);
    t.not(journals.sums[0]?.digest, expected.digest);
  },
);
