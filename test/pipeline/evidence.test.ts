import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { runSoak } from '../../soak/live/run.ts';
import { fakeDependencies, fakeOptions } from '../../soak/live/testing/fake-run.ts';
import { EXIT } from '../../src/core/errors.ts';
import { crc32c } from '../../src/hash/crc32c.ts';
import { decodeBatch } from '../../src/message/batch.ts';
import { readCsv } from '../../src/results/csv.ts';
import type { Tampering } from './testing/tampering.ts';

const COMPONENT = fileURLToPath(new URL('./testing/component.js', import.meta.url));

type Evidence = { readonly folder: string; readonly witness: string; readonly data: Record<string, unknown> };

/**
 * The evidence of a soak over real processes whose summer is tampered with. Its chunk journals keep everything
 * published.
 */
async function evidenceOf(t: ExecutionContext, tampering: Tampering): Promise<Evidence> {
  const results = mkdtempSync(join(tmpdir(), 'stream-sum-evidence-'));
  t.teardown(() => rmSync(results, { recursive: true, force: true }));
  const options = fakeOptions(results, {
    durationMs: 60_000,
    chunkers: 1,
    summers: 1,
    retentionBytes: 64 * 1024 * 1024,
  });
  const said: string[] = [];
  const { verdict, folder } = await runSoak(options, {
    ...fakeDependencies({}, said),
    launch: { command: process.execPath, argv: [COMPONENT, JSON.stringify({ tampering, isSilent: true })] },
  });
  t.is(verdict.exitCode, EXIT.violation, said.join('\n'));
  const evidence = join(folder, 'evidence');
  const witness = readFileSync(join(evidence, 'witness.txt'), 'utf8');
  t.log(said.at(-1));
  t.log(witness);
  return { folder: evidence, witness, data: JSON.parse(readFileSync(join(evidence, 'witness.json'), 'utf8')) };
}

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
