import test from 'ava';
import { isChecked, tooLong } from './line-length.js';

test('a line of 121 columns is named, one of 120 is not, and a character is a column whatever bytes it has', (t) => {
  const text = ['x'.repeat(120), '😀'.repeat(120), '', 'ü'.repeat(121)].join('\r\n');
  t.deepEqual(tooLong('a.md', text), ['a.md:4: 121 columns']);
  t.deepEqual(tooLong('a.md', ''), []);
});

test('sources, scripts and documents are checked, and neither results nor golden files', (t) => {
  for (const path of ['src/a.ts', 'native/b.rs', 'scripts/c.sh', 'd.js', 'README.md', 'results/README.md', '.ci/run']) {
    t.true(isChecked(path), path);
  }
  for (const path of ['results/baseline/README.md', 'src/golden/a.md', 'package-lock.json', 'a.txt', 'x.ci/run2']) {
    t.false(isChecked(path), path);
  }
});
