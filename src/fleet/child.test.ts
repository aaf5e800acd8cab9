import { ChildProcess } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { temporaryFolder, within } from '../cli/testing/test-process.ts';
import { Child, type ChildEnd, howEnded } from './child.ts';

function endOf(child: Child): Promise<ChildEnd> {
  return within(child.ended, () => 'the end of the program');
}

test('an exit and a signal are told in the same words', async (t) => {
  const exited = await endOf(new Child({ argv: ['sh', '-c', 'exit 3'], stdio: 'ignore' }));
  t.deepEqual([exited.code, exited.signal, howEnded(exited)], [3, null, 'exited with 3']);
  const child = new Child({ argv: ['cat'], stdio: ['pipe', 'ignore', 'ignore'] });
  t.false(child.isOver);
  child.kill('SIGKILL');
  const killed = await endOf(child);
  t.deepEqual([killed.code, killed.signal, howEnded(killed)], [null, 'SIGKILL', 'was ended by SIGKILL']);
  t.true(child.isOver);
  child.kill('SIGKILL');
  child.killGroup('SIGKILL');
});

test('a child that reads its stdin ends with it, and all that it wrote is read before its end', async (t) => {
  const child = new Child({
    argv: ['sh', '-c', 'cat; cat >&3 /dev/null; echo last'],
    stdio: ['pipe', 'pipe', 2, 'pipe'],
  });
  let said = '';
  child.output(1)?.on('data', (bytes: Buffer) => (said += bytes.toString()));
  child.output(3)?.resume();
  child.stdin?.end('first\n');
  await endOf(child);
  t.is(said, 'first\nlast\n');
});

test('a program that cannot be started says why, has no pid, and throws nowhere', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'file');
  writeFileSync(file, '');
  chmodSync(file, 0o644);
  const cases: readonly (readonly [readonly string[], string | undefined, RegExp])[] = [
    [['/no/such/program'], undefined, /^cannot start \/no\/such\/program: there is no such program \(ENOENT\)$/],
    [[file], undefined, /: it is not a program that this user may run \(EACCES\)$/],
    [['true'], join(folder, 'none'), /^cannot start true: there is no folder .*none$/],
    // Node throws this one.
    [['true', 'x'.repeat(3e6)], undefined, /^cannot start true: its arguments are too long \(E2BIG\)$/],
  ];
  for (const [argv, cwd, why] of cases) {
    const child = new Child({ argv, stdio: 'pipe', ...(cwd === undefined ? {} : { cwd }) });
    t.is(child.pid, null);
    child.stdin?.end('nobody reads this');
    child.kill('SIGTERM');
    child.killGroup('SIGTERM');
    const end = await endOf(child);
    t.deepEqual([end.code, end.signal, end.error?.code], [null, null, 'ERR_SPAWN']);
    t.regex(howEnded(end), why);
    t.true(child.isOver);
    // What Node says of it afterwards changes nothing.
    await setImmediate();
    t.is(await child.ended, end);
  }
});

test.serial(
  'no signal is sent for a program that was not started, because Node would send it to any process',
  async (t) => {
    const own = Object.getOwnPropertyDescriptor(ChildProcess.prototype, 'kill') ?? {};
    t.teardown(() => void Object.defineProperty(ChildProcess.prototype, 'kill', own));
    const sent: unknown[] = [];
    ChildProcess.prototype.kill = (signal): boolean => sent.push(signal) > 0;
    for (const isDetached of [false, true]) {
      const child = new Child({ argv: ['/no/such/program'], stdio: 'ignore', isDetached });
      child.kill('SIGCONT');
      child.killGroup('SIGCONT');
      await endOf(child);
      child.kill('SIGCONT');
      child.killGroup('SIGCONT');
    }
    t.deepEqual(sent, []);
    // Of one that runs, it is sent.
    const child = new Child({ argv: ['true'], stdio: 'ignore' });
    child.kill('SIGCONT');
    t.deepEqual(sent, ['SIGCONT']);
    await endOf(child);
  },
);
