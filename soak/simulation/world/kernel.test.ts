import test from 'ava';
import { Incarnation } from './incarnation.ts';
import { Kernel } from './kernel.ts';

function fails(error: unknown): never {
  throw error;
}

async function run(schedule: (kernel: Kernel, log: (line: string) => void) => void): Promise<string[]> {
  const kernel = new Kernel(0, fails);
  const lines: string[] = [];
  schedule(kernel, (line) => lines.push(`${kernel.nowNs} ${line}`));
  await kernel.run(() => false);
  return lines;
}

test('events take place by time, and those of one time in the order of asking', async (t) => {
  const lines = await run((kernel, log) => {
    for (const [delayNs, name] of [
      [20, 'd'],
      [10, 'a'],
      [10, 'b'],
      [20, 'e'],
      [15, 'c'],
    ] as const) {
      kernel.after(delayNs, () => log(name));
    }
    kernel.after(10, () => kernel.after(0, () => log('asked for at that time')));
  });
  t.deepEqual(lines, ['10 a', '10 b', '10 asked for at that time', '15 c', '20 d', '20 e']);
});

test('an event that was taken back does not take place', async (t) => {
  const lines = await run((kernel, log) => {
    const entry = kernel.after(10, () => log('never'));
    kernel.after(5, () => kernel.cancel(entry));
    kernel.after(20, () => log('after it'));
  });
  t.deepEqual(lines, ['20 after it']);
});

test('every resolved promise is handled before the next event, however long the chain of promises is', async (t) => {
  const lines = await run((kernel, log) => {
    kernel.after(10, () => {
      let chain = Promise.resolve();
      for (let link = 0; link < 100; link += 1) chain = chain.then(() => {});
      void chain.then(() => log('the chain has ended'));
    });
    kernel.after(10, () => log('the next event'));
  });
  t.deepEqual(lines, ['10 the chain has ended', '10 the next event']);
});

test('it ends as soon as it is over, and rejects with what an event throws', async (t) => {
  const kernel = new Kernel(0, fails);
  let events = 0;
  for (let delayNs = 1; delayNs <= 10; delayNs += 1) kernel.after(delayNs, () => (events += 1));
  await kernel.run(() => events === 3);
  t.is(events, 3);
  t.is(kernel.nowNs, 3);
  kernel.after(0, () => {
    throw new Error('an event failed');
  });
  await t.throwsAsync(
    kernel.run(() => false),
    { message: 'an event failed' },
  );
});

test('what a microtask throws, which nobody can catch, is handed over, and time goes on', async (t) => {
  const strays: unknown[] = [];
  const kernel = new Kernel(0, (error) => strays.push(error));
  const lines: string[] = [];
  kernel.after(1, () => queueMicrotask(() => fails(new Error('nobody is left'))));
  kernel.after(2, () => lines.push('later'));
  await kernel.run(() => false);
  t.deepEqual(strays.map(String), ['Error: nobody is left']);
  t.deepEqual(lines, ['later']);
});

function incarnationOf(kernel: Kernel, log: (line: string) => void): Incarnation {
  return new Incarnation({
    name: 'process',
    number: 1,
    kernel,
    onError: (error) => log(`error ${String(error)}`),
    onEnd: ({ exitCode }) => log(`ended with ${exitCode}`),
  });
}

test('a process that goes on after a pause has its timers fire before its sockets are read', async (t) => {
  const lines = await run((kernel, log) => {
    const incarnation = incarnationOf(kernel, log);
    incarnation.clock.after(2e-6, () => log('timer of 2'));
    incarnation.clock.after(4e-6, () => log('timer of 4'));
    const cleared = incarnation.clock.after(3e-6, () => log('never'));
    kernel.after(1, () => incarnation.pause());
    kernel.after(1, () => incarnation.enter(() => log('message of 1')));
    kernel.after(3, () => incarnation.enter(() => log('message of 3')));
    kernel.after(3, () => cleared.clear());
    kernel.after(10, () => incarnation.resume());
  });
  t.deepEqual(lines, ['10 timer of 2', '10 timer of 4', '10 message of 1', '10 message of 3']);
});

test('a process that has died does nothing more, whatever it had asked for', async (t) => {
  const lines = await run((kernel, log) => {
    const incarnation = incarnationOf(kernel, log);
    incarnation.clock.after(2e-6, () => log('never'));
    incarnation.clock.soon(() => {
      incarnation.kill();
      t.false(incarnation.isAlive());
      incarnation.clock.after(0, () => log('never'));
      incarnation.enter(() => log('never'));
    });
  });
  t.deepEqual(lines, ['0 ended with null']);
});

test('a process dies in the call that was chosen, before that takes effect', async (t) => {
  const lines = await run((kernel, log) => {
    const incarnation = incarnationOf(kernel, log);
    incarnation.killAtCall(3);
    for (const name of ['one', 'two', 'three', 'four']) incarnation.clock.after(1e-6, () => log(name));
  });
  t.deepEqual(lines, ['0 ended with null']);
  const later = await run((kernel, log) => {
    const incarnation = incarnationOf(kernel, log);
    incarnation.killAtCall(2);
    incarnation.clock.after(1e-6, () => {
      log('one');
      incarnation.clock.after(1e-6, () => log('never'));
    });
  });
  t.deepEqual(later, ['1 one', '1 ended with null']);
});

test('what its code throws is its own error', async (t) => {
  const lines = await run((kernel, log) => {
    const incarnation = incarnationOf(kernel, log);
    incarnation.enter(() => fails(new Error('a message')));
    incarnation.clock.soon(() => fails(new Error('a timer')));
  });
  t.deepEqual(lines, ['0 error Error: a message', '0 error Error: a timer']);
});

test('a rejection that nobody handles is handed over as well, and to nobody else', async (t) => {
  const strays: unknown[] = [];
  const kernel = new Kernel(0, (error) => strays.push(error));
  const listeners = process.listeners('unhandledRejection');
  kernel.after(1, () => void Promise.reject(new Error('nobody handles it')));
  await kernel.run(() => false);
  t.deepEqual(strays.map(String), ['Error: nobody handles it']);
  t.deepEqual(process.listeners('unhandledRejection'), listeners);
});
