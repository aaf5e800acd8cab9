/** A partition of a link between a client and a broker, both in this process, and what it has to show. */

import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { within } from '../../../../../src/cli/testing/test-process.ts';
import { type Clock, systemClock } from '../../../../../src/core/clock.ts';
import { BrokerServer } from '../../../../../src/journal/broker/server.ts';
import { JournalClient } from '../../../../../src/journal/client.ts';
import { SUMS_JOURNAL } from '../../../../../src/journal/journals.ts';
import { clockHash } from '../../../../../src/journal/stamps.ts';
import { parseEndpoint } from '../../../../../src/transport/endpoint.ts';
import { ZeromqDialer } from '../../../../../src/transport/zeromq-link.ts';
import { ForwardingRelay } from '../lying-relays.ts';
import { DIRECTIONS, type LinkMode, linkModeText } from '../link-mode.ts';
import { probeLink, probeOf, seenBy } from '../link-probe.ts';
import { Partition } from '../partition.ts';
import { RelayedLinks } from '../relayed-links.ts';
import type { Relay } from '../relay-process.ts';
import { addresses, eventually } from './ends.ts';

export const SEED = 3;
export const LINK = 'summer-0';

const CONFIG = {
  partitions: 1,
  retentionBytes: 1024 * 1024,
  sumsBytes: 1024 * 1024,
  pinAbsenceMs: 60_000,
  pinPatienceMs: 60_000,
} as const;

export const REFUSE: LinkMode = { mode: 'refuse', how: 'reset' };
export const DROP: LinkMode = { mode: 'drop', directions: DIRECTIONS };
export const STALL: LinkMode = { mode: 'stall', directions: ['to-client'] };
export const RESET: LinkMode = { mode: 'reset', bytesMax: 200 };
export const THROTTLE: LinkMode = { mode: 'throttle', bytesPerS: 128 * 1024 };
export const DELAY: LinkMode = { mode: 'delay', delayMs: 60, jitterMs: 60 };
/** Modes whose means differ between the transports. */
export const ON_TCP: readonly LinkMode[] = [{ mode: 'refuse', how: 'closed' }, REFUSE, DROP, RESET];
export const MODES: readonly LinkMode[] = [
  ...ON_TCP,
  STALL,
  DELAY,
  { mode: 'drop', directions: ['to-broker'] },
  { mode: 'drop', directions: ['to-client'] },
  { mode: 'stall', directions: ['to-broker'] },
  { mode: 'reset', bytesMax: 4 * 1024 },
  THROTTLE,
  { mode: 'slice', bytesMax: 256, pauseMs: 2 },
];

/** One of each kind, that the quick tests have. */
export const MODES_QUICK: readonly LinkMode[] = [REFUSE, DROP, STALL, RESET];

export type World = { links: RelayedLinks; client: JournalClient };

/** A broker in this process, and a client that reaches it through a relay. */
export async function world(t: ExecutionContext, transport: 'ipc' | 'tcp'): Promise<World> {
  const { broker: address, folder } = await addresses(t, transport);
  const server = await BrokerServer.start({
    folder: join(folder, 'broker'),
    endpoint: parseEndpoint(address),
    config: CONFIG,
    onFatal: (error) => t.fail(String(error)),
  });
  const links = await RelayedLinks.start({
    transport,
    folder,
    broker: address,
    links: [LINK],
    clock: systemClock,
    logPath: join(folder, 'relay.log'),
    onFailure: ({ what }) => t.fail(what),
  });
  const client = new JournalClient({
    dialer: new ZeromqDialer(parseEndpoint(links.endpointOf(LINK))),
    clock: systemClock,
    name: 'test',
    address: links.endpointOf(LINK),
    clockHash: clockHash(),
    newSession: () => randomBytes(16).toString('hex'),
  });
  t.teardown(async () => {
    client.close();
    await links.close();
    await server.stop();
  });
  await within(client.head(SUMS_JOURNAL), () => 'the first answer');
  return { links, client };
}

export function partition(
  { links }: World,
  mode: LinkMode,
  relay: Relay = links.relay,
  clock: Clock = systemClock,
): Partition {
  const endpointOf = (link: string): string => links.endpointOf(link);
  return new Partition({ relay, links: [LINK], mode, seed: SEED, clock, endpointOf });
}

export function isProvenAndHealed(transport: 'ipc' | 'tcp', mode: LinkMode): void {
  test(`${transport}: ${linkModeText(mode)} is proven while it bites, healed when the broker answers`, async (t) => {
    const here = await world(t, transport);
    const fault = partition(here, mode);
    fault.inject();
    await eventually(
      () => fault.proven() !== null,
      () => `${linkModeText(mode)} is proven`,
    );
    t.is(fault.healed(), null);
    fault.heal();
    await eventually(
      () => fault.healed() !== null,
      () => `${linkModeText(mode)} is healed`,
    );
    t.true((fault.healed()?.atNs ?? 0) >= (fault.proven()?.atNs ?? Infinity));
    t.log(fault.proven()?.saw, '|', fault.healed()?.saw);
    t.is(await within(here.client.head(SUMS_JOURNAL), () => 'an answer after the healing'), 0);
  });
}

export function showsNoFaultUnhurt(transport: 'ipc' | 'tcp'): void {
  test(`${transport}: no link that lets everything pass shows a probe what a fault would`, async (t) => {
    const { links } = await world(t, transport);
    for (const mode of MODES) {
      const outcome = await probeLink(links.endpointOf(LINK), { clock: systemClock, ...probeOf(mode) });
      // The duration of a probe shows a slow link, but a busy machine may be as slow.
      const quick = { ...outcome, elapsedNs: Math.min(outcome.elapsedNs, 1e6) };
      t.is(seenBy(mode, quick), 'refuted', linkModeText(mode));
      t.is(seenBy({ mode: 'pass' }, outcome), 'shown', linkModeText(mode));
    }
  });
}

/**
 * A clock that counts looks. `looks` resolves so many looks from now; what has not happened by then will not happen.
 */
export function counting(): { clock: Clock; looks: (count: number) => Promise<unknown> } {
  const looked = new EventEmitter();
  let left = 0;
  const after: Clock['after'] = (delayMs, call) => {
    left -= 1;
    if (left === 0) looked.emit('enough');
    return systemClock.after(delayMs, call);
  };
  const looks = (count: number): Promise<unknown> => {
    left = count;
    return once(looked, 'enough');
  };
  return { clock: { ...systemClock, after }, looks };
}

/** A probe without an answer looks 150 times. */
export const LOOKS: number = 200;
/** More than one probe of a healing takes. */
export const SLOW_LOOKS: number = 500;

export function provesNothingUnhurt(mode: LinkMode): void {
  test(`a relay that forwards all and says ${linkModeText(mode)} proves nothing`, async (t) => {
    const here = await world(t, 'ipc');
    const { clock, looks } = counting();
    const fault = partition(here, mode, new ForwardingRelay(here.links.relay), clock);
    const enough = looks(LOOKS);
    fault.inject();
    await within(enough, () => 'some looks');
    t.is(fault.proven(), null);
    fault.heal();
  });
}
