// Locks between processes: a child process holds, is stopped, and is killed.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import test from 'ava';

import { FileLock } from './file-lock.ts';
import { mistyped } from './record-fixture.ts';

const holder = `
  const { FileLock } = await import(process.argv[1]);
  const lock = FileLock.tryAcquire(process.argv[2]);
  console.log(lock === null ? 'refused' : 'held');
  setInterval(() => lock, 1000);
`;

function lockPath(t: { teardown(done: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'stream-sum-lock-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return join(folder, 'lock');
}

async function startHolder(path: string): Promise<{ child: ChildProcess; line: string }> {
  const module = new URL('./file-lock.js', import.meta.url).href;
  const child = spawn(process.execPath, ['--input-type=module', '-e', holder, module, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line]: unknown[] = await once(child.stdout, 'data');
  return { child, line: String(line).trim() };
}

async function stopped(child: ChildProcess): Promise<void> {
  child.kill('SIGSTOP');
  const state = (): string => readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.slice(0, 1) ?? '';
  const deadline = Date.now() + 10_000;
  while (state() !== 'T' && Date.now() < deadline) await new Promise(setImmediate);
}

test('a lock excludes other handles of this process until it is released', (t) => {
  const path = lockPath(t);
  const lock = FileLock.tryAcquire(path);
  t.truthy(lock);
  t.is(FileLock.tryAcquire(path), null);
  lock?.release();
  lock?.release();
  const again = FileLock.tryAcquire(path);
  t.truthy(again);
  again?.release();
});

test('the content of a lock file stays', (t) => {
  const path = lockPath(t);
  writeFileSync(path, 'version 1');
  FileLock.tryAcquire(path)?.release();
  t.is(readFileSync(path, 'utf8'), 'version 1');
});

const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('a stopped process holds its lock, a killed one has lost it', async (t) => {
  const path = lockPath(t);
  const { child, line } = await startHolder(path);
  t.is(line, 'held');
  t.is(FileLock.tryAcquire(path), null);
  await stopped(child);
  t.is(FileLock.tryAcquire(path), null);
  const second = await startHolder(path);
  t.is(second.line, 'refused');
  second.child.kill('SIGKILL');
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
  const lock = FileLock.tryAcquire(path);
  t.truthy(lock);
  lock?.release();
});

test('a path that cannot be opened is an error that names it', (t) => {
  const error = t.throws(() => FileLock.tryAcquire(join(lockPath(t), 'missing', 'lock')), { code: 'ERR_FILE_LOCK' });
  t.regex(error.message, /missing/);
  t.throws(() => FileLock.tryAcquire(tmpdir()), { code: 'ERR_FILE_LOCK' });
  t.throws(() => FileLock.tryAcquire('a\0b'), { code: 'ERR_FILE_LOCK' });
  t.throws(() => FileLock.tryAcquire(mistyped<string>(1)), { code: 'ERR_INVALID_ARG_TYPE' });
});
