import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type Server, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { UsageError } from '../core/errors.ts';
import { checkConnectable, checkListenable } from './endpoint-check.ts';
import { parseEndpoint } from './endpoint.ts';

function folderOf(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'stream-sum-test-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function listening(t: ExecutionContext, at: { path: string } | { port: number; host: string }): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(at, resolve));
  t.teardown(() => void server.close());
  return server;
}

const connecting = (path: string): void =>
  checkConnectable(parseEndpoint(`ipc://${path}`), { option: '--connect', data: null });

async function refused(t: ExecutionContext, text: string, reason: RegExp): Promise<void> {
  const endpoint = parseEndpoint(text);
  const error = await t.throwsAsync(
    checkListenable(endpoint, { option: '--listen', data: null }),
    { instanceOf: UsageError },
    text,
  );
  t.true(error?.message.startsWith(`cannot use --listen ${text}: `), error?.message);
  t.regex(error?.message ?? '', reason);
  t.false(error?.message.includes('\n'));
}

test('what is at an ipc path and is no dead socket is refused, and stays', async (t) => {
  const folder = folderOf(t);
  const file = join(folder, 'file');
  writeFileSync(file, 'precious');
  await refused(t, `ipc://${file}`, /there is a file/);
  t.is(readFileSync(file, 'utf8'), 'precious');
  mkdirSync(join(folder, 'folder'));
  await refused(t, `ipc://${join(folder, 'folder')}`, /there is a folder/);
  symlinkSync(join(folder, 'nowhere'), join(folder, 'link'));
  await refused(t, `ipc://${join(folder, 'link')}`, /there is a symbolic link/);
  await refused(t, 'ipc:///dev/null', /there is a device/);
  const used = join(folder, 'used');
  await listening(t, { path: used });
  await refused(t, `ipc://${used}`, /the path is in use by another process/);
  t.deepEqual(readdirSync(folder).toSorted(), ['file', 'folder', 'link', 'used']);
});

test('an ipc path at which the system makes no socket is refused with its reason', async (t) => {
  const folder = folderOf(t);
  await refused(t, `ipc://${join(folder, 'no', 'socket')}`, /there is no folder/);
  await refused(t, 'ipc:///proc/self/socket', /belongs to the kernel/);
  await refused(t, 'ipc:///dev/fd/socket', /belongs to the kernel/);
  await refused(t, `ipc://${join(folder, 'file', 'socket')}`, /there is no folder/);
  t.deepEqual(readdirSync(folder), []);
});

test('a free path and the socket of a broker that was killed are taken, and nothing is left by looking', async (t) => {
  const folder = folderOf(t);
  for (const name of ['socket', 'with \'quotes\' and "more"', 'ünïcödé', '*.sock', 'a\nline']) {
    const path = join(folder, name);
    await t.notThrowsAsync(checkListenable(parseEndpoint(`ipc://${path}`), { option: '--listen', data: null }), name);
    t.false(existsSync(path), name);
  }
  const dead = join(folder, 'dead');
  const kill = "() => process.kill(process.pid, 'SIGKILL')";
  const script = `require('node:net').createServer().listen(${JSON.stringify(dead)}, ${kill})`;
  await once(spawn(process.execPath, ['-e', script]), 'exit');
  t.true(existsSync(dead));
  await t.notThrowsAsync(checkListenable(parseEndpoint(`ipc://${dead}`), { option: '--listen', data: null }));
  t.true(existsSync(dead), 'the broker replaces it, not who looks');
});

test('a port in use and one that is free are told apart, on each loopback address', async (t) => {
  const server = await listening(t, { port: 0, host: '127.0.0.1' });
  const { port } = server.address() as { port: number };
  await refused(t, `tcp://127.0.0.1:${port}`, /EADDRINUSE/);
  await new Promise((resolve) => server.close(resolve));
  await t.notThrowsAsync(checkListenable(parseEndpoint(`tcp://localhost:${port}`), { option: '--listen', data: null }));
});

test('a client refuses a path where no broker can listen, and accepts a path where none listens yet', async (t) => {
  const folder = folderOf(t);
  t.notThrows(() => connecting(join(folder, 'later')));
  await listening(t, { path: join(folder, 'now') });
  t.notThrows(() => connecting(join(folder, 'now')));
  symlinkSync(join(folder, 'now'), join(folder, 'link'));
  t.notThrows(() => connecting(join(folder, 'link')));
  writeFileSync(join(folder, 'file'), '');
  for (const [path, reason] of [
    [join(folder, 'file'), /there is a file/],
    [folder, /there is a folder/],
    ['/dev/null', /there is a device/],
    [join(folder, 'no', 'socket'), /there is no folder/],
    ['/proc/x', /belongs to the kernel/],
    ['/dev/fd/x', /belongs to the kernel/],
    [join(folder, 'file', 'socket'), /ENOTDIR/],
  ] as const) {
    const error = t.throws(() => connecting(path), { instanceOf: UsageError }, path);
    t.regex(error?.message ?? '', reason);
    t.true(error?.message.startsWith(`cannot use --connect ipc://${path}: `), error?.message);
  }
});

test('a folder that is made for the data is there in time for the socket', async (t) => {
  const folder = folderOf(t);
  const endpoint = parseEndpoint(`ipc://${join(folder, 'demo', 'socket')}`);
  for (const [data, isMade] of [
    [join(folder, 'demo'), true],
    [join(folder, 'demo', 'broker'), true],
    [join(folder, 'demo2', 'broker'), false],
    [folder, false],
    [null, false],
  ] as const) {
    const listen = checkListenable(endpoint, { option: '--listen', data });
    await (isMade ? t.notThrowsAsync(listen) : t.throwsAsync(listen, { message: /there is no folder/ }));
    const dialling = (): void => checkConnectable(endpoint, { option: '--connect', data });
    if (isMade) t.notThrows(dialling);
    else t.throws(dialling, { message: /there is no folder/ });
  }
  t.deepEqual(readdirSync(folder), []);
});
