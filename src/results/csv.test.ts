import { fork } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { CsvFile, readCsv } from './csv.ts';

function temporaryFile(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'stream-sum-csv-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return join(folder, 'rows.csv');
}

test('the header comes first, a missing value is empty and a zero is 0', (t) => {
  const path = temporaryFile(t);
  const file = CsvFile.create(path, ['elapsed_s', 'kind', 'detail']);
  file.append({ elapsed_s: 0, kind: null, detail: 'a "b", c' }, { kind: 'late' });
  file.close();
  t.is(readFileSync(path, 'utf8'), 'elapsed_s,kind,detail\r\n0,,"a ""b"", c"\r\n,late,\r\n');
});

test('any text and any number read back as they were', (t) => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({ a: fc.string({ unit: 'grapheme' }), b: fc.double({ noNaN: true, noDefaultInfinity: true }) }),
      ),
      (rows) => {
        const path = temporaryFile(t);
        const file = CsvFile.create(path, ['a', 'b']);
        file.append(...rows);
        file.close();
        const read = readCsv(path);
        t.deepEqual(
          read.map((row) => row['a']),
          rows.map((row) => row.a),
        );
        t.deepEqual(
          read.map((row) => Number(row['b']) + 0),
          rows.map((row) => row.b + 0),
        );
      },
    ),
    { numRuns: 50 },
  );
});

test('a number that is none is never written', (t) => {
  const file = CsvFile.create(temporaryFile(t), ['value']);
  t.throws(() => file.append({ value: Number.NaN }));
  t.throws(() => file.append({ value: Number.POSITIVE_INFINITY }));
  file.close();
});

test('the tail is replaced as a whole and stays behind what is settled', (t) => {
  const path = temporaryFile(t);
  const file = CsvFile.create(path, ['id']);
  file.replaceTail([{ id: 'open-1' }, { id: 'open-2, long' }]);
  file.append({ id: 'settled-1' });
  t.deepEqual(
    readCsv(path).map((row) => row['id']),
    ['settled-1', 'open-1', 'open-2, long'],
  );
  file.replaceTail([{ id: 'open-3' }]);
  file.append({ id: 'settled-2' }, { id: 'settled-3' });
  t.deepEqual(
    readCsv(path).map((row) => row['id']),
    ['settled-1', 'settled-2', 'settled-3', 'open-3'],
  );
  file.replaceTail([]);
  file.close();
  t.is(readFileSync(path, 'utf8'), 'id\r\nsettled-1\r\nsettled-2\r\nsettled-3\r\n');
});

test('a file that exists is not written over', (t) => {
  const path = temporaryFile(t);
  CsvFile.create(path, ['id']).close();
  t.throws(() => CsvFile.create(path, ['id']), { code: 'EEXIST' });
});

test('a line that was cut is left out by the reader', (t) => {
  const path = temporaryFile(t);
  const file = CsvFile.create(path, ['id', 'kind']);
  file.append({ id: 1, kind: 'a' });
  file.close();
  appendFileSync(path, '2,"b');
  t.deepEqual(readCsv(path), [{ id: '1', kind: 'a' }]);
});

test('kill -9 of the writer loses no row that it had written', async (t) => {
  for (let round = 0; round < 5; round += 1) {
    const path = temporaryFile(t);
    const writer = fork(new URL('./testing/csv-writer.js', import.meta.url), [path], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    let written = -1;
    writer.on('message', (index) => {
      written = Number(index);
      if (written >= 200 * (round + 1)) writer.kill('SIGKILL');
    });
    const [, signal]: unknown[] = await once(writer, 'exit');
    t.is(signal, 'SIGKILL');
    const rows = readCsv(path);
    t.true(rows.length > written, `${rows.length} rows, ${written} reported`);
    t.true(rows.every((row, index) => row['id'] === String(index) && row['detail'] === `row, "${index}"`));
  }
});
