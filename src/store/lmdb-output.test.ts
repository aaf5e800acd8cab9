import test from 'ava';
import { quietly, reasonOfCommit } from './lmdb-output.ts';

test.serial('what lmdb-js prints of a failing commit is kept out, and nothing else is', async (t) => {
  const before = console.error;
  const printed: unknown[][] = [];
  // The module keeps the function that was there when it was loaded, and restores it.
  const write = process.stderr.write.bind(process.stderr);
  process.stderr.write = (text: string | Uint8Array): boolean => printed.push([String(text)]) > 0;
  try {
    const inner = quietly(async () => {
      console.error(new Error('No space left on device'));
      console.error('a warning of another kind');
      await Promise.resolve();
      return 1;
    });
    const outer = quietly(() => Promise.reject(new Error('failed')));
    t.is(await inner, 1);
    await t.throwsAsync(outer, { message: 'failed' });
  } finally {
    process.stderr.write = write;
  }
  t.deepEqual(printed, [['a warning of another kind\n']]);
  t.is(console.error, before);
});

test('the reason of a commit is in the words of the system', (t) => {
  t.is(reasonOfCommit('No space left on device'), 'No space left on device');
  t.is(
    reasonOfCommit('Input/output error: Attempting to write page at position 49152, size 4096'),
    'Input/output error',
  );
});
