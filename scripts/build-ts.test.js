import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'ava';
import { forgetRemoved, removeStale } from './build-ts.js';

test('what has no source any more goes, with its folder, and nothing else', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'stream-sum-build-'));
  t.teardown(() => rmSync(root, { recursive: true }));
  const write = (...paths) => {
    for (const path of paths) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), '');
    }
  };
  const kept = ['src/a.js', 'src/a.d.ts', 'src/a.js.map', 'soak/live/b.test.js', 'native/addon.js', '.tsbuildinfo'];
  const stale = ['src/gone.test.js', 'src/gone.test.d.ts', 'src/gone.test.js.map', 'old/room/c.js', 'soak/b.test.js'];
  write('src/a.ts', 'soak/live/b.test.ts', ...[...kept, ...stale].map((path) => join('dist', path)));
  t.deepEqual(removeStale(root).map(String).toSorted(), stale.map(String).toSorted());
  for (const path of kept) t.true(existsSync(join(root, 'dist', path)), path);
  t.false(existsSync(join(root, 'dist/old')));
  t.deepEqual(removeStale(root), []);
});

test('the compiler begins anew when an output was removed, and only then', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'stream-sum-build-'));
  t.teardown(() => rmSync(root, { recursive: true }));
  const write = (path) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), '');
  };
  for (const path of ['src/a.ts', 'src/b.d.ts', 'dist/src/a.js', 'dist/.tsbuildinfo']) write(path);
  t.false(forgetRemoved(root));
  t.true(existsSync(join(root, 'dist/.tsbuildinfo')));
  rmSync(join(root, 'dist/src'), { recursive: true });
  t.true(forgetRemoved(root));
  t.false(existsSync(join(root, 'dist/.tsbuildinfo')));
});
