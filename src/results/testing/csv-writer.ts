/** A writer for a test to kill: it appends rows as long as it lives, and tells its parent the number of each. */

import { CsvFile } from '../csv.ts';

const file = CsvFile.create(process.argv[2] ?? '', ['id', 'detail']);

function writeOne(index: number): void {
  file.append({ id: index, detail: `row, "${index}"` });
  process.send?.(index, undefined, undefined, (error) => {
    if (error !== null) process.exit(1);
  });
  setImmediate(writeOne, index + 1);
}

writeOne(0);
