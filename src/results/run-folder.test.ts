import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import test from 'ava';
import { temporaryFolder } from '../cli/testing/test-process.ts';
import { OperatingError, UsageError } from '../core/errors.ts';
import { readEnvironment } from './environment.ts';
import {
  createRunFolder,
  digestFiles,
  isWhole,
  makeFolders,
  RUN_SCHEMA_VERSION,
  type RunFile,
  writeRunFile,
} from './run-folder.ts';

test('two runs of the same second get folders of their own', async (t) => {
  const options = { results: join(temporaryFolder(t), 'a/b'), kind: 'soak', seed: 7, startedAt: new Date(0) };
  t.is(basename(await createRunFolder(options)), 'soak-19700101T000000Z-seed7');
  t.is(basename(await createRunFolder(options)), 'soak-19700101T000000Z-seed7-2');
});

test('a results folder that cannot be made is one clear line', async (t) => {
  const file = join(temporaryFolder(t), 'file');
  writeFileSync(file, '');
  const options = { results: join(file, 'results'), kind: 'soak', seed: 7, startedAt: new Date(0) };
  await t.throwsAsync(createRunFolder(options), { instanceOf: UsageError, message: /^cannot use --results / });
});

test('where no folder can exist the error comes at once', async (t) => {
  for (const path of ['/proc/no-such-process/folder', '/dev/null/folder']) {
    await t.throwsAsync(makeFolders(path), { instanceOf: OperatingError, code: 'ERR_FOLDER' }, path);
  }
});

test('run.json is replaced as a whole and leaves nothing beside it', async (t) => {
  const folder = temporaryFolder(t);
  const run: RunFile = {
    schemaVersion: RUN_SCHEMA_VERSION,
    kind: 'soak',
    commandLine: ['soak'],
    configuration: { files: 100 },
    seed: 7,
    commit: null,
    dirty: null,
    environment: readEnvironment(folder, { zeromq: null, libzmq: null, lmdb: null, addonBackend: null }),
    startedAt: new Date(0).toISOString(),
    endedAt: null,
    verdict: null,
    exitCode: null,
    reasons: [],
    digests: {},
  };
  await writeRunFile(folder, run);
  await writeRunFile(folder, { ...run, verdict: 'HOLDS', exitCode: 0 });
  const read: Record<string, unknown> = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'));
  const { digest, ...rest } = read;
  t.deepEqual(rest, { ...run, verdict: 'HOLDS', exitCode: 0 });
  t.regex(String(digest), /^[0-9a-f]{64}$/);
  t.true(isWhole(read));
  t.false(isWhole({ ...read, exitCode: 1 }));
  t.false(isWhole({ ...read, digest: 'none' }));
  t.true(isWhole(rest), 'from before there was a digest');
  t.deepEqual(readdirSync(folder), ['run.json']);
});

test('digests are SHA-256 of the bytes', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'a.csv'), 'id\r\n');
  const expected = createHash('sha256').update('id\r\n').digest('hex');
  t.deepEqual(await digestFiles(folder, ['a.csv']), { 'a.csv': expected });
});
