/**
 * Names the lines of tracked sources, scripts and documents that are longer than 120 columns. Generated files are left
 * out: recorded results and golden files. With `--code` it checks only sources and scripts.
 */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT } from './build-ts.js';

const COLUMNS_MAX = 120;
const CHECKED = /(?:\.(?:ts|rs|js|sh|md)|^\.ci\/run)$/;
const GENERATED = /(?:^results\/[^/]+\/|\/golden\/|^scripts\/recorded\/)/;

/** One line for each that is too long: `path:line: 131 columns`. */
export function tooLong(path, text) {
  return text.split(/\r?\n/).flatMap((line, index) => {
    const columns = [...line].length;
    return columns > COLUMNS_MAX ? [`${path}:${index + 1}: ${columns} columns`] : [];
  });
}

export function isChecked(path) {
  return CHECKED.test(path) && !GENERATED.test(path);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const isCodeOnly = process.argv.includes('--code');
  const found = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT })
    .toString()
    .split('\0')
    .filter((path) => isChecked(path) && !(isCodeOnly && path.endsWith('.md')))
    .flatMap((path) => tooLong(path, readFileSync(join(ROOT, path), 'utf8')));
  for (const line of found) console.error(line);
  if (found.length > 0) console.error(`${found.length} lines are longer than ${COLUMNS_MAX} columns`);
  process.exitCode = found.length === 0 ? 0 : 1;
}
