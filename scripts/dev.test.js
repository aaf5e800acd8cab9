import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'ava';
import { concerned, sources } from './dev.js';

const FILES = {
  'src/shard.ts': "import { fail } from './core/errors.ts';\n",
  'src/core/errors.ts': '',
  'src/shard.test.ts': "import { Shard } from './shard.ts';\n",
  'src/outbox.test.ts': "import {\n  Shard,\n} from './shard.ts';\nimport test from 'ava';\n",
  'soak/run.test.ts': "const { Shard } = await import('../src/shard.ts');\n",
  'soak/other.test.ts': "import { fail } from '../src/core/errors.ts';\n",
  'soak/NOTES.md': '',
};

function sorted(paths) {
  return paths.map(String).toSorted();
}

test('a change concerns the test file itself and those that import what changed', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'stream-sum-dev-'));
  t.teardown(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const paths = [...sources(root).keys()];
  t.deepEqual(sorted(paths), sorted(Object.keys(FILES).filter((path) => path.endsWith('.ts'))));
  const of = (...changed) => sorted(concerned(root, paths, new Set(changed)));
  t.deepEqual(of('src/shard.ts'), ['soak/run.test.ts', 'src/outbox.test.ts', 'src/shard.test.ts']);
  t.deepEqual(of('soak/other.test.ts'), ['soak/other.test.ts']);
  t.deepEqual(of('src/core/errors.ts'), ['soak/other.test.ts']);
  t.deepEqual(of(), []);
});
