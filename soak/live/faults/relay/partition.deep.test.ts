/** Every mode of a link, on both transports, and relays and counters that lie. Most of these tests wait. */

import test from 'ava';
import { within } from '../../../../src/cli/testing/test-process.ts';
import { delay, systemClock } from '../../../../src/core/clock.ts';
import type { LinkCounters } from './counters.ts';
import { linkModeText } from './link-mode.ts';
import { probeLink } from './link-probe.ts';
import { LyingCounters, UnhealingRelay } from './lying-relays.ts';
import { Partition } from './partition.ts';
import { dial, eventually } from './testing/ends.ts';
import {
  DELAY,
  DROP,
  LINK,
  LOOKS,
  MODES,
  MODES_QUICK,
  ON_TCP,
  REFUSE,
  RESET,
  SEED,
  SLOW_LOOKS,
  STALL,
  THROTTLE,
  counting,
  isProvenAndHealed,
  partition,
  provesNothingUnhurt,
  showsNoFaultUnhurt,
  world,
} from './testing/hurt-link.ts';

for (const mode of MODES) if (!MODES_QUICK.includes(mode)) isProvenAndHealed('ipc', mode);
for (const mode of ON_TCP) if (mode !== REFUSE) isProvenAndHealed('tcp', mode);

showsNoFaultUnhurt('tcp');

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

for (const mode of [REFUSE, DROP, STALL, RESET, THROTTLE]) provesNothingUnhurt(mode);

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
