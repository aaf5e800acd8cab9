/** `stream-sum summer`: folds the chunks of its partitions and publishes their sums. */

import { existsSync, realpathSync } from 'node:fs';
import type { Command } from 'commander';
import { systemClock } from '../core/clock.ts';
import { UsageError } from '../core/errors.ts';
import { reasonOf } from '../core/folder.ts';
import type { Log } from '../core/log.ts';
import { markReady, markSummer } from '../moments/marked.ts';
import { openOwnMoments } from '../moments/own-moments.ts';
import { lookAtLmdbStore, openLmdbStore, readLmdbStore } from '../store/lmdb-store.ts';
import type { Claim } from '../summer/claim.ts';
import { prepareSummer } from '../summer/prepare-summer.ts';
import { SUMMER_TABLES } from '../summer/rows.ts';
import { ComponentRuntime } from '../component/runtime.ts';
import {
  type JournalsFlags,
  type JournalsPlace,
  journalsOptions,
  openJournals,
  parseJournals,
} from './journals-options.ts';
import { makeCommand, parsePartitions, requireOptions, valueOption } from '../component/flags.ts';
import { type Supervision, supervisedOption } from '../component/supervision.ts';

type Flags = JournalsFlags & {
  data: string;
  partitions: number[];
  takeOver?: true;
  /** The folder as the system names it. */
  takeOverFrom?: string;
  supervised: Supervision;
};

export function summerCommand(): Command {
  const command = makeCommand('summer', 'Fold the chunks of partitions and publish the final sum of every file.');
  command.option('--data <folder>', 'folder of the store; made when missing');
  requireOptions(command, '--data');
  journalsOptions(command)
    .addOption(valueOption('--partitions <list>', 'the partitions to own, such as 0-7 or 0,3,6', parsePartitions))
    .option('--take-over', 'replace the present owners of the partitions, and continue from their stores')
    .addOption(
      valueOption(
        '--take-over-from <folder>',
        "as --take-over, when the present owner's folder was moved to this place; may be --data itself",
        parseFolder,
      ),
    )
    .addOption(supervisedOption())
    .action((flags: Flags) => runSummer(flags));
  return requireOptions(command, '--partitions');
}

/** An existing folder, as the system names it. */
function parseFolder(text: string, flag: string): string {
  try {
    return realpathSync(text);
  } catch (error) {
    throw new UsageError(`${flag} ${text}: ${reasonOf(error)}`);
  }
}

async function runSummer(flags: Flags): Promise<void> {
  const place = parseJournals(flags, flags.data);
  const runtime = new ComponentRuntime({ component: 'summer', supervised: flags.supervised });
  await runtime.compose(() => sum(runtime, flags, place));
}

async function sum(runtime: ComponentRuntime, flags: Flags, place: JournalsPlace): Promise<void> {
  const store = await openLmdbStore({
    folder: flags.data,
    kind: 'summer',
    tables: SUMMER_TABLES,
    tell: (line) => runtime.log.warn({}, line),
  });
  const journals = await openJournals(place, `summer ${process.pid}`, runtime.log);
  const other = { scratchFolder: flags.data, kind: 'summer', tables: SUMMER_TABLES } as const;
  const moments = openOwnMoments('summer', (line) => runtime.log.warn({}, line));
  const { summer, owners } = await prepareSummer({
    ...(moments === null ? { store, journals } : markSummer({ store, journals }, moments)),
    clock: systemClock,
    partitions: flags.partitions,
    takeOver: flags.takeOver === true || flags.takeOverFrom !== undefined,
    movedTo: flags.takeOverFrom ?? null,
    readOther: (folder, read) => readLmdbStore({ ...other, folder }, read),
    lookAt: (folder, check, besides) => lookAtLmdbStore({ ...other, folder, besides }, check),
    onClaim: (shard, claim) => logClaim(runtime.log, shard, claim),
    onLost: ({ shard, epoch }) =>
      runtime.log.warn({ shard, epoch }, `shard ${shard} has a newer owner and is dropped; the other shards go on`),
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
  markReady('summer', moments);
  summer.start();
  const shards = owners.map(({ shard }) => shard);
  const epochs = owners.map(({ epoch }) => epoch);
  runtime.log.info({ shards }, 'summing');
  runtime.emit({ event: 'ready', component: 'summer', pid: process.pid, shards, epochs });
}

function logClaim(log: Log, shard: number, claim: Claim): void {
  if (claim.outcome === 'owned') {
    const { owner, copiedFrom, replayed } = claim;
    log.info({ ...owner, copiedFrom, ...(replayed === undefined ? {} : { replayed }) }, 'owns the shard');
    return;
  }
  const by = claim.outcome === 'replaced' ? ownerText(claim.confirmed) : 'a newer owner';
  log.warn({ shard }, `shard ${shard} belongs to ${by} and is left out`);
}

/** The store that speaks for a shard; if it is gone, what the user can do. */
function ownerText(path: string): string {
  if (existsSync(path)) return `the store at ${path}`;
  return `the store at ${path}, which is no longer there: if it was moved, name its new place by --take-over-from`;
}
