import { execFileSync } from 'node:child_process';
import test from 'ava';
import fc from 'fast-check';
import { explainCommand, quoted, repeatCommand } from './command-line.ts';

test('a command that is repeated is as it was typed, with the seed that was drawn', (t) => {
  t.deepEqual(repeatCommand(['soak', '--sla', '500ms'], 7), [
    'npx',
    'stream-sum',
    'soak',
    '--sla',
    '500ms',
    '--seed',
    '7',
  ]);
  t.deepEqual(repeatCommand(['soak', '--seed', '3'], 3).slice(2), ['soak', '--seed', '3']);
  t.deepEqual(repeatCommand(['soak', '--seed=3'], 3).slice(2), ['soak', '--seed=3']);
  t.deepEqual(repeatCommand(['soak', '--expect', 'p99<50ms'], 1).slice(2, 5), ['soak', '--expect', "'p99<50ms'"]);
});

test('a folder with odd characters is one word', (t) => {
  t.is(explainCommand("it's here", '--why').join(' '), `npx stream-sum explain 'it'\\''s here' --why`);
});

test('a shell reads each word as it was', (t) => {
  const word = fc.stringMatching(/^[ -~\n\t]{0,20}$/);
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
      const script = `printf '%s\\0' ${words.map(quoted).join(' ')}`;
      t.deepEqual(execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1), words);
    }),
    { numRuns: 30 },
  );
});
