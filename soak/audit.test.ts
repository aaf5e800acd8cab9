import test from 'ava';
import { type ShardEvidence, checkShard } from './audit.ts';

const PRODUCER = 'a1a2a3a4a5a6a7a8';
const OTHER = 'b1b2b3b4b5b6b7b8';

const sound: ShardEvidence = {
  shard: 3,
  journalHead: 1000,
  sumsPublished: 7,
  checkpoint: { offset: 1000, nextSum: 7 },
  openFiles: [],
};

function kinds(evidence: Partial<ShardEvidence>): string[] {
  return checkShard({ ...sound, ...evidence }, [PRODUCER]).map(({ kind }) => kind);
}

test('a shard that is folded to the head with all its sums published passes', (t) => {
  t.deepEqual(kinds({}), []);
  t.deepEqual(kinds({ journalHead: 0, sumsPublished: 0, checkpoint: null }), []);
});

test('a shard that has not folded the whole journal is behind', (t) => {
  t.deepEqual(kinds({ checkpoint: { offset: 999, nextSum: 7 } }), ['state-behind']);
  t.deepEqual(kinds({ checkpoint: null }), ['state-behind']);
});

test('a shard that has folded more than the journal holds is ahead', (t) => {
  t.deepEqual(kinds({ checkpoint: { offset: 1001, nextSum: 7 } }), ['state-ahead']);
});

test('a finished sum that is not in the sums journal is lost', (t) => {
  t.deepEqual(kinds({ sumsPublished: 6 }), ['lost']);
});

test('a published sum that the state does not know is found', (t) => {
  t.deepEqual(kinds({ sumsPublished: 8 }), ['state-behind']);
});

test("a context that is left of a verified producer's file is a leak, named by its file; that of another producer is none", (t) => {
  const file = `${PRODUCER}0000000000000009`;
  t.deepEqual(kinds({ openFiles: [file] }), ['leak']);
  t.is(checkShard({ ...sound, openFiles: [file] }, [PRODUCER])[0]?.file, file);
  t.deepEqual(kinds({ openFiles: [`${OTHER}0000000000000009`] }), []);
});
