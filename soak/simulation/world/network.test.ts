import test from 'ava';
import fc from 'fast-check';
import type { ClientLink, ServerLink } from '../../../src/transport/transport.ts';
import { Counters } from './counters.ts';
import { Incarnation } from './incarnation.ts';
import { Kernel } from './kernel.ts';
import { Network } from './network.ts';

const MS = 1e6;

/** A client and a broker that only write down what they are told. */
class Scene {
  readonly kernel = new Kernel(0, (error) => {
    throw error;
  });
  readonly network: Network;
  readonly client = this.incarnation('client');
  readonly broker = this.incarnation('broker');
  readonly atBroker: string[] = [];
  readonly atClient: string[] = [];
  readonly server: ServerLink;

  constructor(seed: number) {
    const { kernel } = this;
    this.network = new Network({ kernel, seed, counters: new Counters(), delayNs: 10, jitterNs: 5 * MS });
    this.server = this.network.listen(this.broker, {
      onMessage: (session, [frame]) => this.atBroker.push(`${session} ${text(frame)}`),
      onUnreachable: (session) => this.atBroker.push(`${session} is unreachable`),
      onFatal: () => {},
    });
  }

  incarnation(name: string): Incarnation {
    const { kernel } = this;
    return new Incarnation({ name, number: 1, kernel, onError: (error) => this.fails(error), onEnd: () => {} });
  }

  dial(session: string): ClientLink {
    return this.network.dialer(this.client).dial(session, {
      onMessage: ([frame]) => this.atClient.push(`${session} ${text(frame)}`),
      onDown: () => this.atClient.push(`${session} is down`),
    });
  }

  at(ms: number, call: () => void): void {
    this.kernel.after(ms * MS, call);
  }

  async run(): Promise<void> {
    await this.kernel.run(() => false);
  }

  fails(error: unknown): never {
    throw error;
  }
}

function text(frame: Uint8Array | undefined): string {
  return Buffer.from(frame ?? []).toString();
}

function numbers(lines: readonly string[], session: string): number[] {
  return lines.flatMap((line) =>
    /^\S+ \d+$/.test(line) && line.startsWith(`${session} `) ? [Number(line.slice(session.length + 1))] : [],
  );
}

const anySeed = fc.nat();

test('messages of a session arrive in their order, both ways, while its connection lasts', async (t) => {
  await fc.assert(
    fc.asyncProperty(anySeed, async (seed) => {
      const scene = new Scene(seed);
      const link = scene.dial('one');
      for (let number = 0; number < 30; number += 1) {
        scene.at(number % 7, () => link.send([Buffer.from(String(number))]));
        scene.at(number % 7, () => scene.server.send('one', [Buffer.from(String(number))]));
      }
      await scene.run();
      const sent = Array.from({ length: 30 }, (_, number) => number).toSorted((a, b) => (a % 7) - (b % 7) || a - b);
      t.deepEqual(numbers(scene.atBroker, 'one'), sent);
      t.deepEqual(numbers(scene.atClient, 'one'), sent);
    }),
    { numRuns: 30 },
  );
});

test('a connection that breaks loses the end of what was in flight, and delivers nothing twice', async (t) => {
  let lost = 0;
  let late = 0;
  for (let seed = 0; seed < 60; seed += 1) {
    const scene = new Scene(seed);
    const link = scene.dial('one');
    for (let number = 0; number < 8; number += 1) scene.at(number / 4, () => link.send([Buffer.from(String(number))]));
    scene.at(2.5, () => scene.network.breakLinks('client'));
    // What the client does when it learns of it. The rest of the old session may come after this.
    scene.at(3, () => {
      link.close();
      scene.dial('two').send([Buffer.from('8')]);
    });
    await scene.run();
    const arrived = numbers(scene.atBroker, 'one');
    t.deepEqual(
      arrived,
      Array.from({ length: arrived.length }, (_, number) => number),
    );
    t.deepEqual(numbers(scene.atBroker, 'two'), [8]);
    if (arrived.length < 8) lost += 1;
    if (scene.atBroker.findLast((line) => /\d$/.test(line))?.startsWith('one ') === true) late += 1;
  }
  t.true(lost > 10 && lost < 60, `lost ${lost}`);
  t.true(late > 0, `late ${late}`);
});

test('a blocked direction delivers its messages when it is free again, and does not block the other', async (t) => {
  const scene = new Scene(5);
  const link = scene.dial('one');
  scene.network.block('client', ['to-broker'], { isNoticed: false });
  scene.at(1, () => link.send([Buffer.from('1')]));
  scene.at(1, () => scene.server.send('one', [Buffer.from('2')]));
  scene.at(90, () => t.deepEqual([scene.atBroker, scene.atClient], [[], ['one 2']]));
  scene.at(100, () => scene.network.unblock('client'));
  await scene.run();
  t.deepEqual(scene.atBroker, ['one 1']);
  t.is(scene.network.affected('client'), 1);
});

test('the broker learns that it cannot reach a closed or unknown session; a closed one hears nothing', async (t) => {
  const scene = new Scene(6);
  const link = scene.dial('one');
  scene.at(1, () => link.close());
  scene.at(50, () => scene.server.send('one', [Buffer.from('1')]));
  scene.at(50, () => scene.server.send('never', [Buffer.from('2')]));
  await scene.run();
  t.deepEqual(scene.atBroker.slice(-2), ['one is unreachable', 'never is unreachable']);
  t.deepEqual(scene.atClient, []);
});

test('the broker hears that a connection has ended after all that came by it, or never', async (t) => {
  let told = 0;
  for (let seed = 0; seed < 40; seed += 1) {
    const scene = new Scene(seed);
    const link = scene.dial('one');
    scene.at(0, () => link.send([Buffer.from('1')]));
    scene.at(10, () => link.close());
    await scene.run();
    t.is(scene.atBroker[0], 'one 1');
    if (scene.atBroker.at(-1) === 'one is unreachable') told += 1;
  }
  t.true(told > 10 && told < 40, `told ${told}`);
});

test('a throttled link carries its bytes and no more, each way, and messages keep their order', async (t) => {
  const scene = new Scene(8);
  const link = scene.dial('one');
  scene.network.throttle('client', 1_000);
  const arrivedMs: number[] = [];
  scene.at(1, () => {
    for (let message = 1; message <= 3; message += 1) link.send([Buffer.alloc(99), Buffer.from(String(message))]);
    scene.server.send('one', [Buffer.alloc(500)]);
  });
  for (let ms = 0; ms < 700; ms += 10) scene.at(ms, () => arrivedMs.push(scene.atBroker.length));
  await scene.run();
  t.is(scene.atBroker.length, 3);
  t.is(scene.atClient.length, 1);
  t.deepEqual([arrivedMs[9], arrivedMs[15], arrivedMs[25], arrivedMs[35]], [0, 1, 2, 3]);
});

test('a client hears of a broker that has died, or does not; what it sends then waits for the next one', async (t) => {
  let told = 0;
  for (let seed = 0; seed < 40; seed += 1) {
    const scene = new Scene(seed);
    scene.dial('one');
    scene.at(1, () => {
      scene.broker.kill();
      scene.network.brokerGone();
    });
    scene.at(3_000, () => scene.dial('two').send([Buffer.from('1')]));
    const next: string[] = [];
    scene.at(4_000, () =>
      scene.network.listen(scene.incarnation('broker'), {
        onMessage: (session) => next.push(session),
        onUnreachable: () => {},
        onFatal: () => {},
      }),
    );
    await scene.run();
    t.deepEqual(next, ['two']);
    if (scene.atClient.includes('one is down')) told += 1;
  }
  t.true(told > 10 && told < 40, `told ${told}`);
});
