/**
 * Runs the sabotages of the live harness. Sabotages of its processes run over fake processes, a soak each. Sabotages of
 * its audit run over real processes. Sabotages that only withhold parts of the history are tried on the history of one
 * soak, each with fresh checkers.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/core/clock.ts';
import { componentLaunch } from '../../src/fleet/component-process.ts';
import type { Audit, Connect } from '../live/audit/end-audit.ts';
import type { HistoryEvent } from '../guarantee/history.ts';
import { checkHistory, makeSoakCheckers } from '../guarantee/checkers/index.ts';
import type { LiveDecorations } from '../live/decorations.ts';
import { FAKE_SABOTAGES, FOLLOWED, type LiveSabotage, REAL_SABOTAGES } from './live-sabotages.ts';
import type { Sabotage } from '../simulation/sabotages/sabotage.ts';
import { WITHHELD_LIVE } from '../simulation/sabotages/withheld.ts';
import type { SoakOptions } from '../live/soak-options.ts';
import { runSoak } from '../live/run.ts';
import { fakeBuild, fakeDependencies, fakeOptions } from '../live/testing/fake-run.ts';

/** How a soak over real processes is started. */
export type LiveComposition = { readonly connect: Connect; readonly audit: Audit };

export type LiveResult = {
  readonly name: string;
  readonly over: 'fake' | 'real';
  readonly holds: boolean;
  readonly reasons: readonly string[];
};

const MAIN = join(dirname(fileURLToPath(import.meta.url)), '../../src/cli/main.js');
/** How long a soak waits for something that a sabotage prevents. */
const PATIENCE_MS = 3_000;
const SEED = 1;
/** Soaks over fake processes at one time. */
const TOGETHER = 4;

/** A short soak in which summers are killed, so that checkpoints are due. */
const REAL: Partial<SoakOptions> = {
  durationMs: 9_000,
  chunkers: 2,
  summers: 2,
  partitions: 3,
  files: 20,
  chunks: { low: 4, high: 8 },
  rate: 1_500,
  chunkBytes: { low: 256, high: 256 },
  faults: ['kill'],
  faultIntervalMs: 1_500,
  slaMs: 30_000,
};

/** Little room: an auditor that reads nothing is soon far behind. */
const LITTLE_ROOM: Partial<SoakOptions> = { retentionBytes: 3 * 512 * 1024 };

export async function runLiveSabotages(options: {
  /** Null: only sabotages over fake processes. */
  readonly composition: LiveComposition | null;
  readonly onResult: (result: LiveResult) => void;
  /** Only these names; absent: all. */
  readonly names?: ReadonlySet<string>;
}): Promise<void> {
  const { composition, onResult, names } = options;
  const isAsked = ({ name }: { readonly name: string }): boolean => names?.has(name) !== false;
  const fakes = FAKE_SABOTAGES.filter(isAsked);
  for (let at = 0; at < fakes.length; at += TOGETHER) {
    // These soaks mostly wait.
    for (const result of await Promise.all(fakes.slice(at, at + TOGETHER).map(overFakes))) onResult(result);
  }
  if (composition === null) return;
  for (const sabotage of REAL_SABOTAGES.filter(isAsked)) onResult(await overReal(sabotage, composition));
  const withheld = WITHHELD_LIVE.filter((sabotage) => isAsked({ name: liveNameOf(sabotage) }));
  if (withheld.length > 0) for (const result of await onOneHistory(withheld, composition)) onResult(result);
}

/** All sabotages, in the order in which they run. */
export function liveSabotages(): { readonly name: string; readonly reason: RegExp; readonly over: 'fake' | 'real' }[] {
  const withheld = WITHHELD_LIVE.map((sabotage) => ({
    ...sabotage,
    name: liveNameOf(sabotage),
    over: 'real' as const,
  }));
  return [...FAKE_SABOTAGES, ...REAL_SABOTAGES, ...withheld];
}

function liveNameOf({ name }: Sabotage): string {
  return `live-${name}`;
}

async function overFakes({ name, over, decorations, options = {}, fakes = {} }: LiveSabotage): Promise<LiveResult> {
  const { holds, reasons } = await inFolder((folder) =>
    runSoak(fakeOptions(folder, { slaMs: PATIENCE_MS, durationMs: 2_500, keepData: false, ...options }), {
      ...fakeDependencies(fakes),
      ...(options.faults?.includes('upgrade') === true ? { older: { launch: fakeBuild(fakes), commit: null } } : {}),
      decorations: decorations(),
      patienceMs: PATIENCE_MS,
    }),
  );
  return { name, over, holds, reasons };
}

async function overReal(
  { name, over, decorations, options = LITTLE_ROOM, patienceMs }: LiveSabotage,
  composition: LiveComposition,
): Promise<LiveResult> {
  const patience = patienceMs === undefined ? {} : { patienceMs };
  return { name, over, ...(await realSoak(decorations(), options, { ...composition, ...patience })) };
}

function realSoak(
  decorations: LiveDecorations,
  room: Partial<SoakOptions>,
  composition: LiveComposition & { readonly patienceMs?: number },
): Promise<Pick<LiveResult, 'holds' | 'reasons'>> {
  return inFolder((folder) =>
    runSoak(fakeOptions(folder, { ...REAL, ...room, keepData: false, seed: SEED }), {
      ...fakeDependencies({}),
      ...composition,
      launch: componentLaunch(MAIN),
      clock: systemClock,
      decorations,
    }),
  );
}

/** The history of one soak that holds. The part that each sabotage leaves of it is judged afterwards. */
async function onOneHistory(sabotages: readonly Sabotage[], composition: LiveComposition): Promise<LiveResult[]> {
  const events: HistoryEvent[] = [];
  const history = (event: HistoryEvent): HistoryEvent[] => {
    events.push(event);
    return [event];
  };
  const whole = await realSoak({ history }, FOLLOWED, composition);
  return sabotages.map((sabotage) => {
    const result = { name: liveNameOf(sabotage), over: 'real' } as const;
    if (!whole.holds) return { ...result, holds: true, reasons: ['the soak itself did not hold', ...whole.reasons] };
    const decorations = sabotage.decorations();
    return { ...result, ...judged(events.flatMap((event) => decorations.history?.(event) ?? [event])) };
  });
}

function judged(events: readonly HistoryEvent[]): Pick<LiveResult, 'holds' | 'reasons'> {
  const { verdict, reasons } = checkHistory(events, makeSoakCheckers()).verdict;
  return { holds: verdict === 'HOLDS', reasons };
}

async function inFolder(
  run: (folder: string) => ReturnType<typeof runSoak>,
): Promise<Pick<LiveResult, 'holds' | 'reasons'>> {
  const folder = mkdtempSync(join(tmpdir(), 'stream-sum-sabotage-'));
  try {
    const { verdict } = await run(folder);
    return { holds: verdict.verdict === 'HOLDS', reasons: verdict.reasons };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
