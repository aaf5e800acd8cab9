import { fileURLToPath } from 'node:url';
import test from 'ava';
import { mappedStack } from './mapped-stack.ts';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));

test('a frame of a compiled file names its source, and any other stays as it is', (t) => {
  const mapped = mappedStack(new Error('planted').stack ?? '', ROOT);
  t.regex(mapped, /soak\/guarantee\/story\/mapped-stack\.test\.ts:8:\d+/);
  const other = '    at run (/nowhere/x.js:1:2)\n    at node:internal/y:3:4';
  t.is(mappedStack(other, ROOT), other);
});
