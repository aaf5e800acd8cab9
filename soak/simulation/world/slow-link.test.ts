/** A client behind a link that carries few bytes a second, with much to send or to receive at once. */

import test, { type ExecutionContext } from 'ava';
import { Prng } from '../../../src/core/prng.ts';
import { serveBroker } from '../../../src/journal/broker/serve.ts';
import { Appender } from '../../../src/journal/appender.ts';
import { JournalClient } from '../../../src/journal/client.ts';
import { chunkJournal } from '../../../src/journal/journals.ts';
import { LINK_BYTES_MIN } from '../../../src/journal/link-window.ts';
import { chunks } from '../../../src/journal/testing/broker-harness.ts';
import { testSeed } from '../../../src/journal/testing/seed.ts';
import { MemoryStore } from '../../../src/store/testing/memory-store.ts';
import { Counters } from './counters.ts';
import { Incarnation } from './incarnation.ts';
import { Kernel } from './kernel.ts';
import { Network } from './network.ts';

const KIB = 1024;
const PARTITIONS = 4;
/** Each journal has so many batches of this size. */
const BATCHES = 6;
const BATCH_BYTES = 256 * KIB;
const TOTAL_BYTES = PARTITIONS * BATCHES * BATCH_BYTES;
/** A link that carries a window within the limit of silence, with room for headers and for pings. */
const BYTES_PER_S_MIN = LINK_BYTES_MIN;

class Scene {
  readonly kernel = new Kernel(0, (error) => this.fails(error));
  readonly network: Network;
  /** Sessions that a client has lost, by its name. */
  readonly lost: string[] = [];
  #sessions = 0;

  private constructor(seed: number) {
    this.network = new Network({
      kernel: this.kernel,
      seed,
      counters: new Counters(),
      delayNs: 50_000,
      jitterNs: 100_000,
    });
  }

  static start(seed: number): Scene {
    const scene = new Scene(seed);
    const broker = scene.incarnation('broker');
    void serveBroker({
      store: new MemoryStore(),
      clock: broker.clock,
      config: {
        partitions: PARTITIONS,
        retentionBytes: 64 * KIB * KIB,
        sumsBytes: KIB * KIB,
        pinAbsenceMs: 1e6,
        pinPatienceMs: 1e6,
      },
      incarnation: 'one',
      bootHash: 1,
      listen: (events) => Promise.resolve(scene.network.listen(broker, events)),
      onFatal: (error) => scene.fails(error),
    });
    return scene;
  }

  incarnation(name: string): Incarnation {
    const { kernel } = this;
    return new Incarnation({ name, number: 1, kernel, onError: (error) => this.fails(error), onEnd: () => {} });
  }

  client(name: string): { journals: JournalClient; incarnation: Incarnation } {
    const incarnation = this.incarnation(name);
    const journals = new JournalClient({
      dialer: this.network.dialer(incarnation),
      clock: incarnation.clock,
      name,
      address: 'network',
      clockHash: 1,
      newSession: () => `${name} ${(this.#sessions += 1)}`,
      onSessionLost: () => this.lost.push(name),
    });
    return { journals, incarnation };
  }

  /** Runs until `isSo()`, for at most so many simulated seconds. Returns how many it took. */
  async until(isSo: () => boolean, limitS: number): Promise<number> {
    const beginNs = this.kernel.nowNs;
    await this.kernel.run(() => isSo() || this.kernel.nowNs - beginNs > limitS * 1e9);
    return (this.kernel.nowNs - beginNs) / 1e9;
  }

  fails(error: unknown): never {
    throw error;
  }
}

/** Appends all batches to every journal; returns how many records are acknowledged. */
function appendAll(scene: Scene, name: string): () => number {
  const { journals, incarnation } = scene.client(name);
  const acknowledged = new Map<string, number>();
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const journal = chunkJournal(partition);
    const appender = new Appender({
      journals,
      clock: incarnation.clock,
      journal,
      producer: 'aa00000000000001',
      acknowledged: 0,
      windowBatches: BATCHES,
      events: {
        onAcknowledged: (through) => acknowledged.set(journal, through),
        onFenced: () => scene.fails(new Error('fenced')),
        onEnded: () => scene.fails(new Error('ended')),
        onError: (error) => scene.fails(error),
      },
    });
    for (let index = 0; index < BATCHES; index += 1) {
      appender.push({ first: index, count: 1, bytes: batchAt(index, journal) });
    }
  }
  return () => [...acknowledged.values()].reduce((sum, through) => sum + through, 0);
}

function batchAt(index: number, journal: string): Buffer {
  return chunks(index, 1, { dataBytes: BATCH_BYTES - 72, journal, fill: index });
}

/** Reads every journal. Returns how many batches have arrived, each as and where it should. */
function readAll(t: ExecutionContext, scene: Scene, name: string): () => number {
  const { journals } = scene.client(name);
  let arrived = 0;
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const journal = chunkJournal(partition);
    const stream = journals.read(journal, 0, { creditBytes: 4 * KIB * KIB });
    void (async () => {
      for (let index = 0; index < BATCHES; index += 1) {
        const batch = await stream.next();
        if (batch === null || !('bytes' in batch)) throw new Error(JSON.stringify(batch));
        t.is(batch.begin, index * BATCH_BYTES);
        t.true(batchAt(index, journal).equals(batch.bytes));
        arrived += 1;
      }
    })();
  }
  return () => arrived;
}

/** The slowest and the fastest rate of the case's links, and random rates in between. */
function ratesOf(t: ExecutionContext): number[] {
  const prng = Prng.fromSeed(testSeed(t));
  const random = Array.from({ length: 4 }, () => prng.between(BYTES_PER_S_MIN, 300_000));
  return [BYTES_PER_S_MIN, 60_000, 150_000, ...random];
}

/** Twice the time that the bytes take, plus a minute of sessions that are lost until the window fits. */
function longest(bytesPerS: number): number {
  return (2 * TOTAL_BYTES) / bytesPerS + 60;
}

test('a backlog that takes minutes reaches its reader over any link that carries a window in time', async (t) => {
  for (const bytesPerS of ratesOf(t)) {
    const scene = Scene.start(bytesPerS);
    const acknowledged = appendAll(scene, 'writer');
    await scene.until(() => acknowledged() === PARTITIONS * BATCHES, 60);
    scene.network.throttle('reader', bytesPerS);
    const arrived = readAll(t, scene, 'reader');
    const tookS = await scene.until(() => arrived() === PARTITIONS * BATCHES, longest(bytesPerS));
    t.is(arrived(), PARTITIONS * BATCHES, `at ${bytesPerS} bytes/s, after ${tookS} s`);
    t.log(`${bytesPerS} bytes/s: ${tookS.toFixed(0)} s, ${scene.lost.length} sessions lost`);
  }
});

test('a full window of appends reaches the broker over any link that carries a window in time', async (t) => {
  for (const bytesPerS of ratesOf(t)) {
    const scene = Scene.start(bytesPerS);
    scene.network.throttle('writer', bytesPerS);
    const acknowledged = appendAll(scene, 'writer');
    const tookS = await scene.until(() => acknowledged() === PARTITIONS * BATCHES, longest(bytesPerS));
    t.is(acknowledged(), PARTITIONS * BATCHES, `at ${bytesPerS} bytes/s, after ${tookS} s`);
    t.log(`${bytesPerS} bytes/s: ${tookS.toFixed(0)} s, ${scene.lost.length} sessions lost`);
  }
});
