/** A broker that comes back with an older copy of its disk, or with an empty disk: what it had acknowledged is gone. */

import type { HistoryEvent } from '../../guarantee/history.ts';
import type { Decorations } from '../decorations.ts';
import type { DiskCopy } from '../world/disk.ts';
import type { Plan } from '../plan.ts';
import { withBrokerCrashes, withPowerLosses } from './adapt-broker.ts';
import type { Mutant } from './mutant.ts';
import { patchedBroker } from './patched-broker.ts';

/** The least age of the copy, in virtual ns: by then every client knows of something that is lost. */
const AGE_NS = 10e9;
/** Chunkers end this long after their start. */
const EARLY_END_MS = 6_000;

export const OLDER_COPY_MUTANTS: readonly Mutant[] = [
  {
    name: 'older-copy-while-chunkers-run',
    class: 'durability',
    bug: 'the broker restarts with an older copy of its disk, while chunkers and summers run',
    kinds: ['acknowledged-loss'],
    decorations: () => restartsOlder('older', ({ chunkersUp }) => chunkersUp > 0),
    adapt: withBrokerCrashes,
  },
  {
    name: 'older-copy-after-chunkers',
    class: 'durability',
    bug: 'the broker restarts with an older copy of its disk when the chunkers have ended: summers alone know',
    kinds: ['acknowledged-loss'],
    decorations: () => restartsOlder('older', ({ chunkersUp, drained }) => chunkersUp === 0 && drained > 0),
    adapt: (plan) => withBrokerCrashes(withEarlyEnds(plan)),
    isPlanInconclusive: true,
  },
  {
    name: 'older-copy-before-summers-return',
    class: 'durability',
    bug: 'the broker has an older copy of its disk when everybody is started again: only stores know',
    kinds: ['acknowledged-loss'],
    decorations: () =>
      restartsOlder(
        'older',
        ({ chunkersUp, drained, isRemembered }) => chunkersUp === 0 && drained > 0 && !isRemembered,
      ),
    adapt: (plan) => withPowerLosses(withEarlyEnds(plan)),
    isPlanInconclusive: true,
  },
  {
    name: 'older-copy-vouched-for',
    class: 'durability',
    bug: 'the broker restarts with an older copy of its disk, and says that it has all it had acknowledged',
    // When an epoch is lost, two owners may have it.
    kinds: ['acknowledged-loss', 'stale-writer'],
    decorations: () => ({
      ...restartsOlder('older', ({ chunkersUp }) => chunkersUp > 0),
      ...patchedBroker(({ lineage }) => {
        lineage.vouch = () => 'held';
      }),
    }),
    adapt: withBrokerCrashes,
  },
  {
    name: 'empty-disk-while-clients-run',
    class: 'durability',
    bug: 'the broker restarts with an empty disk',
    kinds: ['acknowledged-loss'],
    decorations: () => restartsOlder('empty', () => true),
    adapt: withBrokerCrashes,
  },
  {
    name: 'empty-disk-before-clients-return',
    class: 'durability',
    bug: 'the broker has an empty disk when everybody is started again: only stores know',
    kinds: ['acknowledged-loss'],
    decorations: () => restartsOlder('empty', ({ isRemembered }) => !isRemembered),
    adapt: withPowerLosses,
  },
];

/** `isRemembered`: some running process has known the broker before. */
type Scene = { readonly chunkersUp: number; readonly drained: number; readonly isRemembered: boolean };

/**
 * Acts once, when `isSo` accepts the scene, and long enough after the broker's second start, from which the copy is.
 */
function restartsOlder(how: 'older' | 'empty', isSo: (scene: Scene) => boolean): Decorations {
  const processes = new Processes();
  let copy: { readonly disk: DiskCopy; readonly atNs: number } | null = null;
  let isOver = false;
  return {
    history: (event) => {
      processes.observe(event);
      return [event];
    },
    diskAtStart: (disk, { component, incarnation, tookEffect }) => {
      if (component !== 'broker' || incarnation === 1 || isOver) return;
      const { nowNs } = processes;
      copy ??= { disk: disk.copy(), atNs: nowNs };
      if (nowNs - copy.atNs < AGE_NS || !isSo(processes.scene())) return;
      isOver = true;
      disk.restore(how === 'older' ? copy.disk : new Map());
      tookEffect();
    },
  };
}

/** Which processes run, and since when, by the history. */
class Processes {
  nowNs = 0;
  readonly #startedNs = new Map<string, number>();
  readonly #drained = new Set<string>();
  #brokerEndedNs = 0;

  observe(event: HistoryEvent): void {
    this.nowNs = event.atNs;
    if (event.event === 'started') this.#startedNs.set(event.process, event.atNs);
    if (event.event === 'drained') this.#drained.add(event.process);
    if (event.event !== 'ended') return;
    this.#startedNs.delete(event.process);
    if (event.process === 'broker') this.#brokerEndedNs = event.atNs;
  }

  scene(): Scene {
    const running = [...this.#startedNs].filter(([name]) => /^(?:chunker|summer)/.test(name));
    return {
      chunkersUp: running.filter(([name]) => name.startsWith('chunker')).length,
      drained: this.#drained.size,
      isRemembered: running.some(([, startedNs]) => startedNs < this.#brokerEndedNs),
    };
  }
}

/** Every chunker ends long before the faults do. */
function withEarlyEnds(plan: Plan): Plan {
  return {
    ...plan,
    chunkers: plan.chunkers.map((chunker) => ({ ...chunker, startMs: 0, drainMs: EARLY_END_MS, lives: 1 })),
  };
}
