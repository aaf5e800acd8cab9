/** The parts of a soak over fake components. */

import { fileURLToPath } from 'node:url';
import { systemClock } from '../../../src/core/clock.ts';
import type { Launch } from '../../../src/fleet/component-process.ts';
import type { SoakOptions } from '../soak-options.ts';
import type { SoakDependencies } from '../run.ts';
import type { FakePlan } from './fake-component.ts';

const COMPONENT = fileURLToPath(new URL('./fake-component.js', import.meta.url));

export function fakeOptions(results: string, changes: Partial<SoakOptions> = {}): SoakOptions {
  return {
    durationMs: 2_000,
    seed: 1,
    chunkers: 2,
    summers: 2,
    partitions: 4,
    files: 5,
    chunks: { low: 10, high: 10 },
    chunkBytes: { low: 32, high: 32 },
    rate: 1_000,
    batchBytes: 65_536,
    retentionBytes: 2 ** 20,
    slaMs: 30_000,
    transport: 'ipc',
    faults: [],
    faultIntervalMs: 300,
    faultsAtOnce: 1,
    faultPlan: null,
    upgradeFrom: null,
    audit: 'auto',
    data: null,
    results,
    keepData: true,
    history: 'recent',
    metricsPort: null,
    expectations: [],
    ...changes,
  };
}

/** The command line of another build of the fakes, with its own plan. */
export function fakeBuild(plan: FakePlan): Launch {
  return { command: process.execPath, argv: ['--no-warnings', COMPONENT, JSON.stringify(plan)] };
}

/** `said` collects the displayed lines. */
export function fakeDependencies(plan: FakePlan, said: string[] = []): SoakDependencies {
  return {
    launch: { command: process.execPath, argv: [COMPONENT, JSON.stringify(plan)] },
    clock: systemClock,
    display: {
      update: () => undefined,
      say: (line) => said.push(line),
      finish: (text) => said.push(text),
    },
    versions: { zeromq: null, libzmq: null, lmdb: null, addonBackend: null },
    sourceRoot: '/',
    commandLine: ['soak'],
    audit: null,
    connect: null,
    onInterrupt: () => () => undefined,
  };
}
