/**
 * `npm run build:ts`: compiles the changed TypeScript, and removes files from `dist/` that no longer have a source, so
 * that tests and modules of moved files do not run on.
 */

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Files in `dist/` that do not come from TypeScript: the addon, and the compiler's memory. */
const KEPT = ['native', '.tsbuildinfo'];
const OUTPUT = /(?:\.js|\.js\.map|\.d\.ts)$/;

/** Removes compiled files without a source, and folders that become empty. Returns the files, as in `dist/`. */
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
 * Makes the compiler begin anew when a source has no output. The compiler remembers that it has written the output, and
 * does not notice that somebody has removed it. Then `npm test` would find no tests, and pass.
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

/** Runs after each compilation. */
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
