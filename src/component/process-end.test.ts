import test from 'ava';
import { EXIT, FencedError, OperatingError, UsageError, ViolationError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { ProcessEnd } from './process-end.ts';

function broken(): never {
  throw new Error('no space');
}

const BROKEN_LOG: Log = { info: broken, warn: broken, fatal: broken };

/** What the process does, in order. */
function scene(from: { log?: Log; say?: () => void } = {}): { end: ProcessEnd; done: string[] } {
  const done: string[] = [];
  const told = (level: string) => (_: unknown, message: string) => void done.push(`${level} ${message}`);
  const end = new ProcessEnd({
    say: (event) => {
      from.say?.();
      done.push(`say ${event.event}`);
    },
    log: from.log ?? { info: told('info'), warn: told('warn'), fatal: told('fatal') },
    flush: () => {
      done.push('flush');
      broken();
    },
    exit: (exitCode) => void done.push(`exit ${exitCode}`),
  });
  return { end, done };
}

test('it ends once: the event, the log, the exit', (t) => {
  const { end, done } = scene();
  t.false(end.isEnding);
  end.fail(new ViolationError('lost', 'it is gone'));
  end.fail(new Error('later'));
  end.finish([() => done.push('later')]);
  t.true(end.isEnding);
  t.deepEqual(done, ['say violation', 'fatal violation=lost it is gone', 'flush', 'exit 10']);
});

test('whatever throws before the exit, it exits, with the code of what happened', (t) => {
  const errors: readonly [unknown, number][] = [
    [new ViolationError('gap', 'x'), EXIT.violation],
    [new FencedError('x'), EXIT.fenced],
    [new UsageError('x'), EXIT.usage],
    [new OperatingError('ERR_X', 'x'), EXIT.internal],
    [new Error('x'), EXIT.internal],
    [undefined, EXIT.internal],
    [Object.create(null), EXIT.internal],
  ];
  for (const [error, exitCode] of errors) {
    const { end, done } = scene({ log: BROKEN_LOG, say: broken });
    t.notThrows(() => end.fail(error));
    t.deepEqual(done, ['flush', `exit ${exitCode}`]);
  }
});

test('an end that was asked for takes each step whatever became of the one before', (t) => {
  const { end, done } = scene();
  end.finish([broken, () => done.push('said'), broken], EXIT.inconclusive);
  t.deepEqual(done, ['said', 'flush', 'exit 3']);
});

test('with nobody to report to it exits with 1, and says why if there is a reason', (t) => {
  for (const [error, said] of [
    [undefined, []],
    [new Error('a line that is none'), ['fatal a line that is none']],
  ] as const) {
    const { end, done } = scene();
    end.abandon(error);
    t.deepEqual(done, [...said, 'flush', 'exit 1']);
  }
});
