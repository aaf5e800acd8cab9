/** `stream-sum summer`: folds the chunks of its partitions and publishes their sums. */

import type { Command } from 'commander';
import { systemClock } from '../core/clock.ts';
import { FencedError } from '../core/errors.ts';
import type { ShardEpoch } from '../journal/journals.ts';
import { openLmdbStore, readLmdbStore } from '../store/lmdb-store.ts';
import { type ClaimOptions, checkPartitions, claimShard } from '../summer/claim.ts';
import { SUMMER_TABLES } from '../summer/rows.ts';
import { Summer } from '../summer/summer.ts';
import { parseEndpoint } from '../transport/endpoint.ts';
import { ComponentRuntime } from './component-runtime.ts';
import { connectJournals } from './connection.ts';
import { makeCommand, parsePartitions, parsed } from './flags.ts';

type Flags = { data: string; connect: string; partitions: number[]; takeOver?: true; supervised?: true };

export function summerCommand(): Command {
  return makeCommand('summer', 'Fold the chunks of partitions and publish the final sum of every file.')
    .requiredOption('--data <dir>', 'folder of the store; made when missing')
    .requiredOption('--connect <endpoint>', "the broker's endpoint")
    .requiredOption(
      '--partitions <list>',
      'the partitions to own, such as 0-7 or 0,3,6',
      parsed('--partitions', parsePartitions),
    )
    .option('--take-over', 'replace the present owners of the partitions, taking their state from their stores')
    .option('--supervised', 'speak the supervisor protocol on stdin and stdout')
    .action((flags: Flags) => runSummer(flags));
}

async function runSummer(flags: Flags): Promise<void> {
  parseEndpoint(flags.connect);
  const runtime = new ComponentRuntime({ component: 'summer', supervised: flags.supervised === true });
  const store = await openLmdbStore({ folder: flags.data, kind: 'summer', tables: SUMMER_TABLES });
  const journals = connectJournals(flags.connect, `summer ${process.pid}`, runtime.log);
  const { partitions, batchBytesMax } = await journals.list();
  checkPartitions(flags.partitions, partitions);
  const owners = await claimAll(flags, runtime, {
    journals,
    store,
    readOther: (folder, read) => readLmdbStore({ folder, kind: 'summer', tables: SUMMER_TABLES }, read),
    takeOver: flags.takeOver === true,
  });
  const summer = new Summer({
    journals,
    store,
    clock: systemClock,
    owners,
    batchBytesMax,
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
  runtime.log.info({ shards }, 'summing');
  runtime.emit({ event: 'ready', component: 'summer', pid: process.pid, shards });
}

/** Leaves out the shards that are confirmed elsewhere, naming them; with none left, this process has been replaced. */
async function claimAll(flags: Flags, runtime: ComponentRuntime, options: ClaimOptions): Promise<ShardEpoch[]> {
  const owners: ShardEpoch[] = [];
  for (const shard of flags.partitions) {
    const claim = await claimShard(shard, options);
    if (claim.outcome === 'owned') {
      owners.push(claim.owner);
      runtime.log.info({ ...claim.owner, copiedFrom: claim.copiedFrom }, 'owns the shard');
    } else {
      const by = claim.outcome === 'replaced' ? `the store at ${claim.confirmed}` : 'a newer owner';
      runtime.log.warn({ shard }, `shard ${shard} is left out: it belongs to ${by}`);
    }
  }
  if (owners.length === 0) throw new FencedError('every shard that was asked for belongs to somebody else');
  return owners;
}
