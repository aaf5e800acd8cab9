/**
 * A component of a test as a process. The summer is composed as the command does it, but over decorated journals and a
 * decorated store. Every other component is unchanged. The first argument is the plan, as JSON.
 */

import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { ComponentRuntime } from '../../../src/component/runtime.ts';
import { connectJournals } from '../../../src/cli/connection.ts';
import { parsePartitions, valueOption } from '../../../src/component/flags.ts';
import { type Supervision, supervisedOption } from '../../../src/component/supervision.ts';
import { systemClock } from '../../../src/core/clock.ts';
import type { Journals, RaiseOptions, RaiseOutcome, ShardEpoch } from '../../../src/journal/journals.ts';
import { WrappedJournals } from '../../../src/journal/wrapped-journals.ts';
import { lookAtLmdbStore, openLmdbStore, readLmdbStore } from '../../../src/store/lmdb-store.ts';
import type { Store } from '../../../src/store/store.ts';
import { prepareSummer } from '../../../src/summer/prepare-summer.ts';
import { SUMMER_TABLES } from '../../../src/summer/rows.ts';
import { type CrashPoint, LateOffsetStore, type Plan, SilentJournals, tamper } from './tampering.ts';

type Flags = { data: string; connect: string; partitions: number[]; takeOver?: true; supervised: Supervision };

function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => {});
}

class CrashingJournals extends WrappedJournals {
  readonly #crashAt: CrashPoint;

  constructor(inner: Journals, crashAt: CrashPoint) {
    super(inner);
    this.#crashAt = crashAt;
  }

  override async raise(shard: number, path: string, options: RaiseOptions): Promise<RaiseOutcome> {
    const outcome = await this.inner.raise(shard, path, options);
    return this.#crashAt === 'raised' ? die() : outcome;
  }

  override async confirm(owner: ShardEpoch, path: string): Promise<'confirmed' | 'fenced'> {
    if (this.#crashAt === 'copied') return die();
    const outcome = await this.inner.confirm(owner, path);
    return this.#crashAt === 'confirmed' ? die() : outcome;
  }
}

/** Dies as soon as its first commit is under way. */
function crashInCommit(store: Store): Store {
  const { path } = store;
  return {
    path,
    get: (table, key) => store.get(table, key),
    range: (table, range) => store.range(table, range),
    keys: (table, range) => store.keys(table, range),
    diskBytes: () => store.diskBytes(),
    close: () => store.close(),
    commit: (writes) => {
      void store.commit(writes);
      setImmediate(() => void die());
      return new Promise(() => {});
    },
  };
}

async function runSummer(flags: Flags, plan: Plan): Promise<void> {
  const runtime = new ComponentRuntime({
    component: 'summer',
    supervised: flags.supervised,
  });
  await runtime.compose(() => sum(runtime, flags, plan));
}

async function sum(
  runtime: ComponentRuntime,
  flags: Flags,
  { tampering, crashAt, isSilent = false }: Plan,
): Promise<void> {
  const isFirst = !existsSync(flags.data);
  const opened = await openLmdbStore({ folder: flags.data, kind: 'summer', tables: SUMMER_TABLES });
  const isLate = tampering === 'late-offset' && isFirst;
  const tampered = isLate ? new LateOffsetStore(opened) : opened;
  const store = crashAt === 'copying' ? crashInCommit(opened) : tampered;
  const connected = connectJournals(flags.connect, `summer ${process.pid}`, runtime.log);
  const crashing = crashAt === undefined ? connected : new CrashingJournals(connected, crashAt);
  const heard = isLate || isSilent ? new SilentJournals(crashing) : crashing;
  const journals = tampering === undefined ? heard : tamper(heard, tampering);
  const other = { scratchFolder: flags.data, kind: 'summer', tables: SUMMER_TABLES } as const;
  const { summer, owners } = await prepareSummer({
    journals,
    store,
    clock: systemClock,
    partitions: flags.partitions,
    takeOver: flags.takeOver === true,
    readOther: (folder, read) => readLmdbStore({ ...other, folder }, read),
    lookAt: (folder, check, besides) => lookAtLmdbStore({ ...other, folder, besides }, check),
    onFailure: (error) => runtime.fail(error),
  });
  runtime.serve({
    progress: () => ({ event: 'progress', component: 'summer', ...summer.counts }),
    stop: async () => {
      await summer.stop();
      journals.close();
      await store.close();
    },
  });
  summer.start();
  const shards = owners.map(({ shard }) => shard);
  const epochs = owners.map(({ epoch }) => epoch);
  runtime.emit({ event: 'ready', component: 'summer', pid: process.pid, shards, epochs });
}

async function main(): Promise<void> {
  const [plan = '{}', component, ...argv] = process.argv.slice(2);
  if (component !== 'summer') {
    process.argv.splice(2, 1);
    await import('../../../src/cli/main.ts');
    return;
  }
  const command = new Command('summer')
    .requiredOption('--data <dir>')
    .requiredOption('--connect <endpoint>')
    .addOption(valueOption('--partitions <list>', '', parsePartitions).makeOptionMandatory())
    .option('--take-over')
    .addOption(supervisedOption());
  command.parse(argv, { from: 'user' });
  await runSummer(command.opts<Flags>(), JSON.parse(plan) as Plan);
}

await main();
