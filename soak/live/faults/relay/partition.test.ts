import { EventEmitter, once } from 'node:events';
import test from 'ava';
import { within } from '../../../../src/cli/testing/test-process.ts';
import { systemClock } from '../../../../src/core/clock.ts';
import { probeLink } from './link-probe.ts';
import { Partition } from './partition.ts';
import type { Relay } from './relay-process.ts';
import { eventually } from './testing/ends.ts';
import {
  DELAY,
  LINK,
  MODES_QUICK,
  REFUSE,
  SEED,
  isProvenAndHealed,
  showsNoFaultUnhurt,
  world,
} from './testing/hurt-link.ts';

// `partition.deep.test.ts` has the other modes, on both transports.
for (const mode of MODES_QUICK) isProvenAndHealed('ipc', mode);
isProvenAndHealed('tcp', REFUSE);

showsNoFaultUnhurt('ipc');

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
