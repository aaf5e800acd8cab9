import { existsSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { temporaryFolder } from '../cli/testing/test-process.ts';
import { asRoot, onLinux, shellWithMounts } from '../cli/testing/shell.ts';
import { OperatingError, UsageError } from './errors.ts';
import { folderError, makeFoldersSync, makeUsableFolder, reasonOf, removeFolders } from './folder.ts';

test('what was missing is made, told from the outside in, and removed again as far as it is empty', (t) => {
  const folder = temporaryFolder(t);
  t.deepEqual(makeFoldersSync(folder), []);
  const made = makeFoldersSync(join(folder, 'a/b/c'));
  t.deepEqual(made, [join(folder, 'a'), join(folder, 'a/b'), join(folder, 'a/b/c')]);
  writeFileSync(join(folder, 'a/file'), '');
  removeFolders(made);
  t.deepEqual(readdirSync(join(folder, 'a')), ['file']);
});

test('a folder that cannot be used is one line with option, value and reason, and nothing is left behind', (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'file'), '');
  symlinkSync(join(folder, 'nowhere'), join(folder, 'link'));
  symlinkSync(join(folder, 'loop'), join(folder, 'loop'));
  const before = readdirSync(folder);
  const cases: readonly (readonly [string, RegExp])[] = [
    ['file', /file is not a folder$/],
    ['file/data', /not a directory \(ENOTDIR\)$/],
    ['link', /link is a link that leads nowhere$/],
    ['link/data', /link is a link that leads nowhere$/],
    ['loop', /\(ELOOP\)$/],
    [`new/${'x'.repeat(300)}`, /name too long \(ENAMETOOLONG\)$/],
  ];
  for (const [name, reason] of cases) {
    const path = join(folder, name);
    const error = t.throws(() => makeUsableFolder('--data', path), { instanceOf: UsageError }, name);
    t.true(error.message.startsWith(`cannot use --data ${path}: `), error.message);
    t.regex(error.message, reason);
    t.false(error.message.includes('\n'));
    t.deepEqual(readdirSync(folder), before, name);
  }
  t.throws(() => makeUsableFolder('--data', ''), {
    instanceOf: UsageError,
    message: 'cannot use --data : it is empty',
  });
});

onLinux('where no folder can exist the error comes at once', (t) => {
  for (const path of [
    '/proc/no-such-folder',
    '/proc/self/fd/no-such-folder',
    '/dev/fd/no/such',
    '/dev/null',
    '/dev/null/x',
    '/proc',
  ])
    t.throws(() => makeUsableFolder('--data', path), { instanceOf: UsageError, message: new RegExp(path) }, path);
});

test('names of every kind are made as they are', (t) => {
  const folder = temporaryFolder(t);
  for (const name of ['with space', 'ünïcödé', `quo'te"`, '$HOME', '-dash', 'a\nb']) {
    makeUsableFolder('--data', join(folder, name));
    t.true(existsSync(join(folder, name)));
    t.deepEqual(readdirSync(join(folder, name)), []);
  }
});

test('what the machine lacks is no fault of the name', (t) => {
  for (const code of ['ENOMEM', 'EIO', 'EMFILE']) {
    const cause = Object.assign(new Error(`${code}: no such luck, mkdir 'x'`), { code });
    const error = folderError('--data', 'x', cause);
    t.true(error instanceof OperatingError);
    t.is(error.message, `cannot use --data x: no such luck (${code})`);
  }
  t.is(reasonOf('text'), 'text');
});

const MODULE = new URL('./folder.js', import.meta.url).href;
const TRY = `import { makeUsableFolder } from '${MODULE}';
try { makeUsableFolder('--data', process.argv[1]); }
catch (error) { process.stdout.write(error.name + ' ' + error.message); }`;

asRoot('a read-only file system is named as what it is, in a folder that exists and one that does not', async (t) => {
  const folder = temporaryFolder(t);
  const script = `mount -t tmpfs none "$1" && mkdir "$1/there" && mount -o remount,ro "$1" &&
    exec "$2" --input-type=module -e "$3" "$1/$4"`;
  for (const name of ['there', 'new', 'new/and/deeper']) {
    const { stdout } = await shellWithMounts(script, [folder, process.execPath, TRY, name]);
    t.is(stdout, `UsageError cannot use --data ${folder}/${name}: read-only file system (EROFS)`);
  }
});

test('nothing but the walk of folder.ts makes folders recursively: it hangs where Node does', (t) => {
  const root = join(import.meta.dirname, '..', '..', '..');
  let seen = 0;
  for (const top of ['src', 'soak', 'bench']) {
    for (const name of readdirSync(join(root, top), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts') || name.endsWith('.test.ts') || name.includes('testing')) continue;
      seen += 1;
      const source = readFileSync(join(root, top, name), 'utf8');
      t.notRegex(source, /\bmkdir(?:Sync)?\([^;]*recursive: true/, `${top}/${name}`);
    }
  }
  t.true(seen > 100);
});
