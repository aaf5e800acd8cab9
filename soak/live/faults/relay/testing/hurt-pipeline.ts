/** A pipeline of real processes through real relays, whose links are hurt in every mode in turn. */

import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { MAIN, temporaryFolder } from '../../../../../src/cli/testing/test-process.ts';
import { systemClock } from '../../../../../src/core/clock.ts';
import type { DrainedEvent } from '../../../../../src/component/protocol.ts';
import { chooseEndpoint } from '../../../../../src/fleet/broker-address.ts';
import { componentLaunch } from '../../../../../src/fleet/component-process.ts';
import { componentSpecs, type PipelineOptions } from '../../../../../src/fleet/component-specs.ts';
import { Fleet } from '../../../../../src/fleet/fleet.ts';
import { Meter } from '../../../../../src/fleet/meter.ts';
import { DIRECTIONS, type LinkMode, linkModeText } from '../link-mode.ts';
import { Partition } from '../partition.ts';
import { RelayedLinks } from '../relayed-links.ts';
import { eventually } from './ends.ts';

const SEED = 5;
const OPTIONS: PipelineOptions = {
  seed: SEED,
  chunkers: 2,
  summers: 2,
  partitions: 4,
  files: 20,
  chunks: { low: 0, high: 20 },
  chunkBytes: { low: 1, high: 600 },
  rate: 2_000,
  batchBytes: 64 * 1024,
  retentionBytes: 64 * 1024 * 1024,
  slaMs: 60_000,
};
const CLIENTS = ['summer-0', 'summer-1', 'chunker-0', 'chunker-1'] as const;

/** One, several or all clients. */
const FAULTS: readonly { readonly links: readonly string[]; readonly mode: LinkMode }[] = [
  { links: ['chunker-0'], mode: { mode: 'refuse', how: 'closed' } },
  { links: CLIENTS, mode: { mode: 'refuse', how: 'reset' } },
  { links: ['summer-1'], mode: { mode: 'drop', directions: DIRECTIONS } },
  { links: CLIENTS, mode: { mode: 'drop', directions: ['to-client'] } },
  { links: ['chunker-1', 'summer-0'], mode: { mode: 'drop', directions: ['to-broker'] } },
  { links: CLIENTS, mode: { mode: 'stall', directions: DIRECTIONS } },
  { links: CLIENTS, mode: { mode: 'reset', bytesMax: 4 * 1024 } },
  { links: ['chunker-0', 'summer-0'], mode: { mode: 'delay', delayMs: 100, jitterMs: 100 } },
  { links: CLIENTS, mode: { mode: 'throttle', bytesPerS: 256 * 1024 } },
  { links: CLIENTS, mode: { mode: 'slice', bytesMax: 1_024, pauseMs: 1 } },
];

type Run = {
  fleet: Fleet;
  meter: Meter;
  links: RelayedLinks;
  drained: ReadonlyMap<string, DrainedEvent>;
  wrong: readonly string[];
};

async function start(t: ExecutionContext, transport: 'ipc' | 'tcp'): Promise<Run> {
  const folder = temporaryFolder(t);
  const endpoint = await chooseEndpoint(transport, folder);
  const wrong: string[] = [];
  const drained = new Map<string, DrainedEvent>();
  const meter = new Meter();
  const links = await RelayedLinks.start({
    transport,
    folder,
    broker: endpoint.address,
    links: CLIENTS,
    clock: systemClock,
    logPath: join(folder, 'relay.log'),
    onFailure: ({ process, what }) => wrong.push(`${process}: ${what}`),
  });
  const connectOf = (name: string): string => links.endpointOf(name);
  const fleet = new Fleet({
    specs: componentSpecs(OPTIONS, { dataFolder: folder, endpoint: endpoint.address, connectOf }),
    launch: componentLaunch(MAIN),
    logsFolder: join(folder, 'logs'),
    clock: systemClock,
    listener: {
      onEvent: ({ name }, event) => {
        if (event.event === 'ready') meter.onReady(name, event);
        if (event.event === 'progress') meter.onProgress(name, event);
        if (event.event === 'violation') wrong.push(`${name}: ${event.kind} ${event.detail}`);
        if (event.event === 'drained') drained.set(name, event);
      },
      onPlannedEnd: ({ name }) => wrong.push(`${name} has ended`),
      onFailure: ({ process, what, lastLogLines }) => wrong.push(`${process}: ${what} ${lastLogLines.join(' | ')}`),
    },
  });
  t.teardown(async () => {
    await fleet.abandon(true);
    await links.close();
  });
  t.true(await fleet.start(new AbortController().signal));
  return { fleet, meter, links, drained, wrong };
}

/** Whatever happens to its links, the pipeline verifies every file and violates nothing. */
export async function verifiesEveryFile(t: ExecutionContext, transport: 'ipc' | 'tcp'): Promise<void> {
  const { fleet, meter, links, drained, wrong } = await start(t, transport);
  const sums = async (after: number): Promise<void> =>
    eventually(
      () => meter.totals().sumsVerified > after || wrong.length > 0,
      () => `sums beyond ${after}`,
    );
  await sums(0);
  for (const { links: hit, mode } of FAULTS) {
    const fault = new Partition({
      relay: links.relay,
      links: hit,
      mode,
      seed: SEED,
      clock: systemClock,
      endpointOf: (link) => links.endpointOf(link),
    });
    fault.inject();
    await eventually(
      () => fault.proven() !== null || wrong.length > 0,
      () => `${linkModeText(mode)} is proven`,
    );
    fault.heal();
    await eventually(
      () => fault.healed() !== null || wrong.length > 0,
      () => `${linkModeText(mode)} is healed`,
    );
    t.log(fault.proven()?.saw);
    await sums(meter.totals().sumsVerified);
    t.deepEqual(wrong, [], linkModeText(mode));
  }
  for (const chunker of fleet.of('chunker')) {
    chunker.ask('drain');
    chunker.send({ command: 'drain' });
  }
  await eventually(
    () => drained.size === 2 || wrong.length > 0,
    () => `the drain: ${JSON.stringify([...drained])}`,
  );
  t.deepEqual(wrong, []);
  for (const { verifiedTotal, filesCompletedTotal } of drained.values()) {
    t.true(verifiedTotal > 0);
    t.is(verifiedTotal, filesCompletedTotal);
  }
}
