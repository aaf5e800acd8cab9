import test from 'ava';
import fc from 'fast-check';
import { Prng } from '../../../../src/core/prng.ts';
import { drawLinkMode, LINK_FAULTS, linkFaultOf, linkModeText, parseLinkMode, PASS } from './link-mode.ts';

test('a drawn mode is what it was drawn as, the same for one seed, and survives its way to the relay', (t) => {
  fc.assert(
    fc.property(fc.constantFrom(...LINK_FAULTS), fc.nat(), (fault, seed) => {
      const mode = drawLinkMode(fault, Prng.fromSeed(seed));
      t.is(linkFaultOf(mode), fault);
      t.deepEqual(drawLinkMode(fault, Prng.fromSeed(seed)), mode);
      t.deepEqual(parseLinkMode(JSON.parse(JSON.stringify(mode))), mode);
      t.true(linkModeText(mode).startsWith(mode.mode));
    }),
  );
  t.is(linkFaultOf(PASS), null);
});

test('what is no mode is none', (t) => {
  for (const value of [
    null,
    'drop',
    {},
    { mode: 'lose' },
    { mode: 'refuse' },
    { mode: 'refuse', how: 'politely' },
    { mode: 'drop', directions: [] },
    { mode: 'drop', directions: ['sideways'] },
    { mode: 'reset', bytesMax: 0 },
    { mode: 'delay', delayMs: -1, jitterMs: 0 },
    { mode: 'throttle', bytesPerS: '9' },
    { mode: 'slice', bytesMax: 9 },
  ]) {
    t.is(parseLinkMode(value), null, JSON.stringify(value));
  }
});
