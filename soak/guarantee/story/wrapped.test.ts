import test from 'ava';
import fc from 'fast-check';
import { wrapped, wrappedCommand } from './wrapped.ts';

const WORDS = fc.array(fc.stringMatching(/^[a-z0-9./-]{1,30}$/), { minLength: 1, maxLength: 40 });

test('words stay whole and in their order, and no line is wider than it may be unless one word is', (t) => {
  fc.assert(
    fc.property(
      WORDS,
      fc.integer({ min: 20, max: 120 }),
      fc.integer({ min: 0, max: 14 }),
      fc.option(fc.integer({ min: 0, max: 30 }), { nil: undefined }),
      (words, columns, hanging, taken) => {
        const lines = wrapped(words, { columns, hanging, ...(taken === undefined ? {} : { taken }) });
        t.deepEqual(lines.join(' ').split(/ +/), words);
        for (const [index, line] of lines.entries()) {
          const width = index === 0 ? (taken ?? hanging) + line.length : line.length;
          t.true(width <= columns || !line.trim().includes(' '), `${width} of ${columns}: ${line}`);
          if (index > 0) t.is(line.search(/[^ ]/), hanging);
        }
      },
    ),
  );
});

test('a word that is too wide stands alone', (t) => {
  t.deepEqual(wrapped(['a', 'bbbbbbbbbbbb', 'c'], { columns: 6, hanging: 2 }), ['a', '  bbbbbbbbbbbb', '  c']);
});

test('a shell reads a command of several lines as the one that it is', (t) => {
  fc.assert(
    fc.property(WORDS, fc.integer({ min: 30, max: 90 }), (words, columns) => {
      const text = wrappedCommand(words, { columns, hanging: 4 }).join('\n');
      t.deepEqual(text.replaceAll('\\\n', '').split(/ +/), words);
    }),
  );
});

test('a flag and its value stay on one line', (t) => {
  const words = ['npx', 'stream-sum', 'soak', '--json', '--sla', '500ms', '--seed', '1'];
  t.deepEqual(wrappedCommand(words, { columns: 30, hanging: 2 }), [
    'npx stream-sum soak --json \\',
    '  --sla 500ms --seed 1',
  ]);
});
