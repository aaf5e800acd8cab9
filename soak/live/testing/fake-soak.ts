/** A soak over fake components in a separate process, for a test to interrupt and to kill. */

import { systemClock } from '../../../src/core/clock.ts';
import { fakeDependencies, fakeOptions } from './fake-run.ts';
import { runSoak } from '../run.ts';
import { lineDisplay } from '../display.ts';

const [results = '', durationMs = '60000'] = process.argv.slice(2);
const { verdict } = await runSoak(fakeOptions(results, { durationMs: Number(durationMs) }), {
  ...fakeDependencies({}),
  clock: systemClock,
  display: lineDisplay((text) => process.stdout.write(text)),
  onInterrupt(interrupt) {
    process.on('SIGINT', interrupt);
    return () => process.off('SIGINT', interrupt);
  },
});
process.exitCode = verdict.exitCode;
