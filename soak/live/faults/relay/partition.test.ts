import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { within } from '../../../../src/cli/testing/test-process.ts';
import { type Clock, delay, systemClock } from '../../../../src/core/clock.ts';
import { BrokerServer } from '../../../../src/journal/broker/server.ts';
import { JournalClient } from '../../../../src/journal/client.ts';
import { SUMS_JOURNAL } from '../../../../src/journal/journals.ts';
import { clockHash } from '../../../../src/journal/stamps.ts';
import { parseEndpoint } from '../../../../src/transport/endpoint.ts';
import { ZeromqDialer } from '../../../../src/transport/zeromq-link.ts';
import type { LinkCounters } from './counters.ts';
import { ForwardingRelay, LyingCounters, UnhealingRelay } from './lying-relays.ts';
import { DIRECTIONS, type LinkMode, linkModeText } from './link-mode.ts';
import { probeLink, probeOf, seenBy } from './link-probe.ts';
import { Partition } from './partition.ts';
import { RelayedLinks } from './relayed-links.ts';
import type { Relay } from './relay-process.ts';
import { addresses, dial, eventually } from './testing/ends.ts';

const SEED = 3;
const LINK = 'summer-0';

const CONFIG = {
  partitions: 1,
  retentionBytes: 1024 * 1024,
  sumsBytes: 1024 * 1024,
  pinAbsenceMs: 60_000,
  pinPatienceMs: 60_000,
} as const;

const REFUSE: LinkMode = { mode: 'refuse', how: 'reset' };
const DROP: LinkMode = { mode: 'drop', directions: DIRECTIONS };
const STALL: LinkMode = { mode: 'stall', directions: ['to-client'] };
const RESET: LinkMode = { mode: 'reset', bytesMax: 200 };
const THROTTLE: LinkMode = { mode: 'throttle', bytesPerS: 128 * 1024 };
const DELAY: LinkMode = { mode: 'delay', delayMs: 60, jitterMs: 60 };
/** Modes whose means differ between the transports. */
const ON_TCP: readonly LinkMode[] = [{ mode: 'refuse', how: 'closed' }, REFUSE, DROP, RESET];
const MODES: readonly LinkMode[] = [
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

type World = { links: RelayedLinks; client: JournalClient };

/** A broker in this process, and a client that reaches it through a relay. */
async function world(t: ExecutionContext, transport: 'ipc' | 'tcp'): Promise<World> {
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

function partition(
  { links }: World,
  mode: LinkMode,
  relay: Relay = links.relay,
  clock: Clock = systemClock,
): Partition {
  const endpointOf = (link: string): string => links.endpointOf(link);
  return new Partition({ relay, links: [LINK], mode, seed: SEED, clock, endpointOf });
}

for (const transport of ['ipc', 'tcp'] as const) {
  for (const mode of transport === 'ipc' ? MODES : ON_TCP) {
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
function counting(): { clock: Clock; looks: (count: number) => Promise<unknown> } {
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
const LOOKS = 200;
const SLOW_LOOKS = 500;

test('a partition that is given up lets go of its link at once, and is over when the broker answers', async (t) => {
  const { links } = await world(t, 'ipc');
  const told: string[] = [];
  const relay: Relay = {
    set: (settings) => {
      told.push(...settings.map(({ mode }) => mode.mode));
      return links.relay.set(settings);
    },
    counters: (names) => links.relay.counters(names),
  };
  const events = new EventEmitter();
  const asked = once(events, 'asked');
  const answered = once(events, 'answer');
  const fault = new Partition({
    relay,
    links: [LINK],
    mode: DELAY,
    seed: SEED,
    clock: systemClock,
    endpointOf: (link) => links.endpointOf(link),
    // The probe of the fault takes until it is told; the others take as long as they do.
    probe: async (endpoint, options) => {
      if (told.at(-1) === 'delay') {
        events.emit('asked');
        await answered;
      }
      return probeLink(endpoint, options);
    },
  });
  fault.inject();
  await within(asked, () => 'the probe of the fault');
  t.deepEqual(told, ['delay']);
  fault.heal();
  t.deepEqual(told, ['delay', 'pass']);
  t.false(fault.isOver());
  events.emit('answer');
  await eventually(
    () => fault.isOver(),
    () => 'it is over',
  );
  t.is(fault.proven(), null);
});

test('a link without a client is not hit, though the fault ends what a probe has left there', async (t) => {
  const { links, client } = await world(t, 'ipc');
  client.close();
  const isGone = async (): Promise<boolean> => (await links.relay.counters([LINK]))[0]?.connectionsOpen === 0;
  while (!(await within(isGone(), () => 'the counters'))) await delay(systemClock, 20);
  const { clock, looks } = counting();
  let probes = 0;
  const fault = new Partition({
    relay: links.relay,
    links: [LINK],
    mode: REFUSE,
    seed: SEED,
    clock,
    endpointOf: (link) => links.endpointOf(link),
    // The relay does not see the end of the first probe before the test is over.
    probe: async (endpoint, options) => {
      probes += 1;
      if (probes === 1) (await dial(t, endpoint)).socket.on('error', () => undefined);
      return probeLink(endpoint, options);
    },
  });
  const enough = looks(LOOKS);
  fault.inject();
  await within(enough, () => 'some looks');
  t.is(fault.proven(), null);
  fault.heal();
});

function nothingDropped(counters: LinkCounters): LinkCounters {
  const dropped = { bytesDropped: 0 };
  const there = { ...counters['to-broker'], ...dropped };
  return { ...counters, 'to-broker': there, 'to-client': { ...counters['to-client'], ...dropped } };
}

for (const mode of [REFUSE, DROP, STALL, RESET, THROTTLE]) {
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

test('counters that say nothing, or too little, prove nothing, though the link drops all', async (t) => {
  const here = await world(t, 'ipc');
  const { clock, looks } = counting();
  const fault = partition(here, DROP, new LyingCounters(here.links.relay, nothingDropped), clock);
  const enough = looks(LOOKS);
  fault.inject();
  await within(enough, () => 'some looks');
  t.is(fault.proven(), null);
  fault.heal();
});

for (const mode of [REFUSE, DROP, DELAY]) {
  test(`a relay that never heals ${linkModeText(mode)}, and says that it does, is not healed`, async (t) => {
    const here = await world(t, 'ipc');
    const { clock, looks } = counting();
    const fault = partition(here, mode, new UnhealingRelay(here.links.relay), clock);
    fault.inject();
    await eventually(
      () => fault.proven() !== null,
      () => 'it is proven',
    );
    // More than one probe of the healing takes.
    const enough = looks(SLOW_LOOKS);
    fault.heal();
    await within(enough, () => 'some looks');
    t.is(fault.healed(), null);
  });
}
