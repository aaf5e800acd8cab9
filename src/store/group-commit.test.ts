import test from 'ava';
import fc from 'fast-check';
import { testSeed } from '../journal/testing/seed.ts';
import { GroupCommit } from './group-commit.ts';
import { keyOf } from './row.ts';
import { WriteBatch } from './store.ts';
import { HeldCommits, MemoryStore } from './testing/memory-store.ts';

class Scene {
  readonly store = new MemoryStore();
  readonly held = new HeldCommits();
  /** Events, in order. */
  readonly log: string[] = [];
  readonly commit: GroupCommit;
  #accepted: number[] = [];
  #count = 0;

  constructor() {
    this.store.gate = this.held.gate;
    this.commit = new GroupCommit({
      store: this.store,
      fill: () => {
        const batch = new WriteBatch();
        for (const item of this.#accepted) batch.put('a', keyOf(item), Buffer.from([1]));
        this.#accepted = [];
        return batch;
      },
      onDurable: () => this.log.push('durable'),
      onAnswered: () => this.log.push('answered'),
      onFatal: (error) => this.log.push(`fatal ${(error as Error).message}`),
    });
  }

  /** Accepts an item. Its answer is logged together with whether it is durable by then. */
  accept(): number {
    this.#count += 1;
    const item = this.#count;
    this.#accepted.push(item);
    this.commit.accept(() => this.answer(item));
    return item;
  }

  /** Asks to be called when everything accepted so far is durable. */
  ask(name: string): void {
    const through = this.#count;
    this.commit.whenDurable(() => this.log.push(`${name} ${this.isDurable(through) ? 'durable' : 'early'}`));
  }

  answer(item: number): void {
    this.log.push(`${item} ${this.isDurable(item) ? 'durable' : 'early'}`);
  }

  isDurable(item: number): boolean {
    return item === 0 || this.store.get('a', keyOf(item)) !== undefined;
  }

  async release(): Promise<void> {
    await turn();
    this.held.releaseOne();
    await turn();
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

test('answers come after the durable commit, in the order of asking, before the next are told', async (t) => {
  const scene = new Scene();
  scene.accept();
  await turn();
  scene.accept();
  scene.ask('a');
  scene.accept();
  await turn();
  t.deepEqual(scene.log, []);
  await scene.release();
  t.deepEqual(scene.log, ['durable', '1 durable', 'answered']);
  await scene.release();
  t.deepEqual(scene.log.slice(3), ['durable', '2 durable', 'a durable', '3 durable', 'answered']);
  t.is(scene.commit.commits, 2);
});

test('the next commit starts as soon as the one before it has ended, and only if something was accepted', async (t) => {
  const scene = new Scene();
  t.true(scene.commit.isIdle);
  scene.accept();
  t.false(scene.commit.isIdle);
  await turn();
  scene.accept();
  await turn();
  t.is(scene.store.commits, 1);
  await scene.release();
  t.is(scene.store.commits, 2);
  await scene.release();
  t.is(scene.store.commits, 2);
  t.true(scene.commit.isIdle);
});

test('who asks while a commit is under way waits for that one, and at once when nothing is', async (t) => {
  const scene = new Scene();
  scene.ask('before');
  t.deepEqual(scene.log, ['before durable']);
  scene.accept();
  await turn();
  scene.ask('during');
  t.is(scene.log.length, 1);
  await scene.release();
  t.deepEqual(scene.log.slice(1), ['durable', '1 durable', 'during durable', 'answered']);
  scene.ask('after');
  t.is(scene.log.at(-1), 'after durable');
});

test('after a failed commit nothing is answered and nothing is committed', async (t) => {
  const scene = new Scene();
  scene.store.gate = () => {
    throw new Error('no space');
  };
  scene.accept();
  scene.ask('a');
  await turn();
  t.deepEqual(scene.log, ['fatal no space']);
  scene.accept();
  scene.ask('b');
  await turn();
  t.deepEqual(scene.log, ['fatal no space']);
  t.is(scene.store.commits, 1);
});

test('whatever the order of accepting, asking and committing, no answer is early, lost or out of order', async (t) => {
  const seed = testSeed(t);
  const property = fc.asyncProperty(
    fc.array(fc.constantFrom('accept', 'ask', 'release'), { maxLength: 60 }),
    async (steps) => {
      const scene = new Scene();
      let asked = 0;
      let accepted = 0;
      for (const step of steps) {
        if (step === 'accept') accepted = scene.accept();
        else if (step === 'ask') scene.ask(`ask-${(asked += 1)}`);
        else await scene.release();
      }
      await turn();
      scene.held.open();
      while (!scene.commit.isIdle) await turn();
      await turn();
      const answers = scene.log.filter((line) => line !== 'durable' && line !== 'answered');
      if (answers.some((line) => !line.endsWith(' durable'))) throw new Error(scene.log.join('\n'));
      const items = answers.filter((line) => /^\d/.test(line));
      if (items.length !== accepted || items.some((line, at) => line !== `${at + 1} durable`))
        throw new Error(items.join());
      const asks = answers.filter((line) => line.startsWith('ask-'));
      if (asks.length !== asked || asks.some((line, at) => line !== `ask-${at + 1} durable`))
        throw new Error(asks.join());
    },
  );
  await fc.assert(property, { seed, numRuns: 200 });
  t.pass();
});
