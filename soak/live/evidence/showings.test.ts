import test from 'ava';
import type { KeptJournals, KeptRecord, KeptSum } from './kept-journals.ts';
import type { KeptShard } from './kept-stores.ts';
import { type WitnessData, showings } from './showings.ts';

const FILE = 'c0ffee00000000010000000000000011';
const EXPECTED = { lastSequence: 3, bytes: 64, digest: 'a'.repeat(64) };
const PLACE = { journal: 'chunks/part-001', begin: 0, end: 200 };

function record(sequence: number, isRight = true): KeptRecord {
  return { ...PLACE, index: sequence + 4, sequence, bytes: sequence === 3 ? 0 : 32, isEnd: sequence === 3, isRight };
}

const SUM: KeptSum = {
  fileId: FILE,
  ...EXPECTED,
  journal: 'sums',
  begin: 77,
  end: 200,
  index: 5,
  shard: 1,
  epoch: 2,
};
const SUMS = { journal: 'sums', begin: 0, head: 900 };
const JOURNALS: KeptJournals = {
  file: FILE,
  named: null,
  bounds: [{ journal: 'chunks/part-001', begin: 0, head: 900 }, SUMS],
  records: [record(1), record(2), record(3)],
  sums: [SUM],
  batches: [],
  digest: EXPECTED.digest,
};
const SHARD: KeptShard = {
  process: 'summer-0',
  shard: 1,
  offset: 200,
  nextSum: 6,
  nextIndex: 8,
  openFiles: 2,
  state: null,
  unpublishedSums: 0,
  unpublished: null,
};

function shown(changes: Partial<WitnessData> & { readonly kept?: Partial<KeptJournals> } = {}): string {
  const { kept = {}, ...rest } = changes;
  const whole = { file: FILE, expected: EXPECTED, journals: { ...JOURNALS, ...kept }, stores: [SHARD] };
  return showings({ ...whole, ...rest }).join('\n');
}

test('of a file that is right everywhere each step is said to be so', (t) => {
  t.is(
    shown(),
    [
      'All 3 records of the file are in the kept journal, and their digest is that of the seed.',
      'A right sum of the file stands in the sums journal at 77, record 5 of shard 1 with epoch 2.',
      'The store of summer-0 has shard 1 folded up to 200, its next sum is 6; the file is not open there.',
    ].join('\n'),
  );
});

test('a wrong sum of right bytes leads to who folded or published it; of wrong bytes it does not', (t) => {
  const wrong = { ...SUM, digest: 'b'.repeat(64) };
  t.regex(
    shown({ kept: { sums: [wrong] } }),
    /^A WRONG sum of it stands at 77.*\nThe journal holds the right bytes: the sum/m,
  );
  const records = [record(1), record(2, false), record(3)];
  const altered = shown({ kept: { sums: [wrong], records, digest: 'b'.repeat(64) } });
  t.regex(
    altered,
    /^Chunk 2 of the file is in the journal, and not what the seed says: it was wrong before the fold\.$/m,
  );
  t.notRegex(altered, /The journal holds the right bytes/);
});

test('what is missing is named, and whether the journal was trimmed', (t) => {
  const bounds = [{ journal: 'chunks/part-001', begin: 120, head: 900 }, SUMS];
  t.regex(
    shown({ kept: { records: [record(1), record(3)], bounds, digest: null } }),
    /^Chunk 2 of the file is not in the kept journal\. The journal was trimmed below 120\.$/m,
  );
  t.regex(shown({ kept: { records: [], digest: null } }), /^No record of the file is in the kept journal\.$/m);
  t.regex(shown({ kept: { sums: [] } }), /^The sums journal has no sum of the file\.$/m);
  const trimmed = { ...SUMS, begin: 300 };
  t.regex(
    shown({ kept: { sums: [], bounds: [SUMS, trimmed] } }),
    /^The sums journal, which was trimmed below 300, has no sum of the file\.$/m,
  );
});

test('a sum that is finished and not published, and one that was published twice, are told', (t) => {
  const unpublished = { index: 6, digest: 'b'.repeat(64) };
  t.regex(
    shown({ kept: { sums: [] }, stores: [{ ...SHARD, unpublished }] }),
    /the file's sum is finished there, as record 6, with a wrong digest, and not yet known there to be published\.$/m,
  );
  t.regex(shown({ kept: { sums: [SUM, SUM] } }), /^There are 2 sums of one file: it was published more than once\.$/m);
});

test('a state is compared with a fold', (t) => {
  const state = { lastSequence: 2, bytes: 64, digest: 'c', expectedDigest: 'c' };
  t.regex(
    shown({ stores: [{ ...SHARD, state }] }),
    /open there, folded up to chunk 2, and its state is that of a fold/,
  );
  const wrong = { ...state, expectedDigest: 'd' };
  t.regex(shown({ stores: [{ ...SHARD, state: wrong }] }), /folded up to chunk 2, and its state is WRONG\.$/m);
  const unknown = { ...state, expectedDigest: null };
  t.regex(shown({ stores: [{ ...SHARD, state: unknown }] }), /open there, folded up to chunk 2\.$/m);
});

test('a batch that a violation names is right or wrong in the journal', (t) => {
  const header = { kind: 'chunks', producer: 'c0ffee0000000001', firstIndex: 5, count: 3, epoch: 0 } as const;
  const named = { journal: 'chunks/part-001', begin: 0, fault: null, header, recordsWrong: 0, recordsUnknown: 0 };
  t.regex(
    shown({ kept: { named } }),
    /^The batch at 0 of chunks\/part-001.* verifies .* 3 records are what the seed says\./m,
  );
  t.regex(
    shown({ kept: { named: { ...named, recordsWrong: 2 } } }),
    /verifies, but 2 of its 3 records are not what the/,
  );
  t.regex(
    shown({ kept: { named: { ...named, recordsUnknown: 3 } } }),
    /verifies, but 3 of its 3 records are of no producer of this run\.$/m,
  );
  const broken = { ...named, fault: 'the checksum is wrong', header: null };
  t.regex(shown({ kept: { named: broken } }), /does not verify in the kept journal either: the checksum is wrong\./);
});

test('what could not be read is said, and nothing is concluded from it', (t) => {
  const unread = { ...SHARD, offset: null, unread: 'there is no store at x' };
  t.is(shown({ journals: null, stores: [unread] }), 'The store of summer-0 could not be read: there is no store at x.');
  t.regex(shown({ expected: null }), /^The file is of no producer of this run: nobody published it\.$/m);
});
