import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { Intent } from './component-process.ts';
import { isCrash, isRefusal, judgeExit, lastLogLines, messageOf } from './exit-judgement.ts';

function judge(intent: Intent, end: number | NodeJS.Signals, drained = false): string {
  const [code, signal] = typeof end === 'number' ? [end, null] : [null, end];
  const judged = judgeExit({ pid: 7, code, signal, intent, wasReady: true }, drained);
  return judged === 'as planned' ? judged : judged.what;
}

function crashed(intent: Intent, signal: NodeJS.Signals | null): boolean {
  return isCrash({ pid: 7, code: signal === null ? 1 : null, signal, intent, wasReady: true });
}

test('an exit is as planned only when it is the one that was asked for', (t) => {
  t.is(judge('kill', 'SIGKILL'), 'as planned');
  t.is(judge('stop', 0), 'as planned');
  t.is(judge('drain', 0, true), 'as planned');
  t.is(judge('abandon', 'SIGTERM'), 'as planned');
  t.is(judge('abandon', 1), 'as planned');
  t.is(judge('run', 0), 'pid 7 exited unexpectedly with 0 (a normal end)');
  t.is(judge('run', 'SIGKILL'), 'pid 7 was ended by SIGKILL, which this run did not send');
  t.is(judge('kill', 10), 'pid 7 exited unexpectedly with 10 (a violation)');
  t.is(judge('kill', 'SIGSEGV'), 'pid 7 was ended by SIGSEGV, which this run did not send');
  t.is(judge('stop', 'SIGTERM'), 'pid 7 was ended by SIGTERM, instead of exiting with 0');
  t.is(judge('stop', 12), 'pid 7 exited unexpectedly with 12 (fenced: replaced by a newer owner)');
  t.is(judge('drain', 0), 'pid 7 exited with 0 without saying that it had drained');
  t.is(judge('abandon', 10), 'pid 7 exited unexpectedly with 10 (a violation)');
  t.is(judge('run', 99), 'pid 7 exited unexpectedly with 99 (an unknown code)');
});

test('a signal that nobody sent is a crash, unless the process was asked to end anyway', (t) => {
  for (const intent of ['run', 'drain'] as const)
    for (const signal of ['SIGABRT', 'SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGKILL'] as const)
      t.true(crashed(intent, signal));
  t.false(crashed('kill', 'SIGKILL'));
  t.true(crashed('kill', 'SIGSEGV'));
  for (const intent of ['stop', 'abandon'] as const) t.false(crashed(intent, 'SIGABRT'));
  t.false(crashed('run', null));
});

test('a refusal is an exit with 1 or 2 before a process is ready, of one that nobody has asked to end', (t) => {
  const refused = { pid: 7, code: 2, signal: null, intent: 'run', wasReady: false } as const;
  t.true(isRefusal(refused));
  t.true(isRefusal({ ...refused, code: 1 }));
  for (const code of [0, 3, 10, 12]) t.false(isRefusal({ ...refused, code }), String(code));
  t.false(isRefusal({ ...refused, wasReady: true }));
  t.false(isRefusal({ ...refused, intent: 'stop' }));
  t.false(isRefusal({ ...refused, code: null, signal: 'SIGABRT' }));
});

test('of a log the last messages are shown, whatever their form', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'stream-sum-log-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'x.log');
  t.deepEqual(lastLogLines(path, 3), []);
  writeFileSync(path, `first\n{"level":30,"msg":"second"}\n\n    at stack (x.js:1)\n${'y'.repeat(400)}\n`);
  t.deepEqual(lastLogLines(path, 3), ['second', '    at stack (x.js:1)', 'y'.repeat(300)]);
});

test("a JSON line shows its message and its error's", (t) => {
  t.is(messageOf('{"msg":"cannot commit","err":{"message":"EIO"}}'), 'cannot commit: EIO');
  t.is(messageOf('{"msg":"EIO","err":{"message":"EIO"}}'), 'EIO');
  t.is(messageOf('{"level":30}'), '{"level":30}');
  t.is(messageOf('{'), '{');
});
