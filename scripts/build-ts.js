/**
 * `npm run build:ts`: compiles what has changed of the TypeScript, and removes from `dist/` what has no source any
 * more, so that the tests and modules of moved files do not run on.
 */

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** In `dist/` and not from TypeScript: the addon, and what the compiler remembers. */
const KEPT = ['native', '.tsbuildinfo'];
const OUTPUT = /(?:\.js|\.js\.map|\.d\.ts)$/;

/**
 * Removes the compiled files without a source, and folders that this leaves empty; returns the files, as in `dist/`.
 */
export function removeStale(root) {
  const dist = join(root, 'dist');
  const removed = [];
  const isEmptyAfter = (folder) => {
    let left = 0;
    for (const entry of readdirSync(join(dist, folder), { withFileTypes: true })) {
      const path = join(folder, entry.name);
      const isFolder = entry.isDirectory();
      const isKept =
        (folder === '' && KEPT.includes(entry.name)) ||
        (isFolder ? !isEmptyAfter(path) : existsSync(join(root, path.replace(OUTPUT, '.ts'))));
      if (isKept) {
        left += 1;
        continue;
      }
      rmSync(join(dist, path), { recursive: true });
      if (!isFolder) removed.push(path);
    }
    return left === 0;
  };
  if (existsSync(dist)) isEmptyAfter('');
  return removed;
}

/**
 * Has the compiler begin anew when a source has no output: it remembers what it has written, and not that somebody has
 * removed that. Else `npm test` would find no tests, and pass.
 */
export function forgetRemoved(root) {
  const sources = ['src', 'soak', 'bench', 'test'].flatMap((folder) =>
    existsSync(join(root, folder))
      ? readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name))
      : [],
  );
  const isRemoved = sources.some(
    (path) => /(?<!\.d)\.ts$/.test(path) && !existsSync(join(root, 'dist', path.replace(/\.ts$/, '.js'))),
  );
  if (isRemoved) rmSync(join(root, 'dist/.tsbuildinfo'), { force: true });
  return isRemoved;
}

/** What is done after each compilation. */
export function finishBuild() {
  removeStale(ROOT);
  const main = join(ROOT, 'dist/src/cli/main.js');
  if (existsSync(main)) chmodSync(main, 0o755);
}

export const TSC = [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', join(ROOT, 'tsconfig.json')];

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  forgetRemoved(ROOT);
  const { status } = spawnSync(process.execPath, TSC, { stdio: 'inherit' });
  finishBuild();
  process.exitCode = status ?? 1;
}
