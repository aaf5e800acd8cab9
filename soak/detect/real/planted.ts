/**
 * Puts the decorations of a mutant around what a component of a real process is handed, the same decorations as in the
 * simulation, and says when the bug took effect: before whoever could notice is told.
 *
 * A batch that a bug has made takes effect when the broker has committed it. The process that makes the batch and the
 * broker are two: the first one marks the batch before it sends it, and the broker looks for the mark.
 */

import { basename } from 'node:path';
import { mixWords, Prng } from '../../../src/core/prng.ts';
import { systemClock } from '../../../src/core/clock.ts';
import type { AppendOutcome, Journals, ShardEpoch } from '../../../src/journal/journals.ts';
import { WrappedJournals } from '../../../src/journal/wrapped-journals.ts';
import { offsetKey } from '../../../src/store/row.ts';
import type { Store, StoreReader, Write } from '../../../src/store/store.ts';
import type { Component, Decorations, Subject } from '../../simulation/decorations.ts';
import { DecoratedStore } from '../../simulation/mutants/decorated.ts';
import { mutantNamed } from '../../simulation/mutants/index.ts';
import type { OwnedWrites } from '../../simulation/world/disk.ts';
import { type PlantedPlace, countStart, isPlanted, markPlanted, readPlace, signal } from './planted-place.ts';
import { type RealMutant, realMutantNamed } from './real-mutants.ts';

/** The bug of this process, and this process. */
export class Planted {
  readonly decorations: Decorations;
  readonly subject: Subject;
  readonly #place: PlantedPlace;
  readonly #mutant: RealMutant;

  /** `path`: the data folder of the process, which has its name. */
  constructor(component: Component, path: string) {
    const place = readPlace();
    const name = basename(path);
    const incarnation = countStart(place, name);
    let hasSignalled = false;
    this.#place = place;
    this.#mutant = realMutantNamed(place.name);
    this.decorations = mutantNamed(place.name).decorations();
    this.subject = {
      name,
      component,
      incarnation,
      prng: Prng.fromSeed(place.seed, mixWords(...Buffer.from(name)), incarnation),
      isOver: () => false,
      tookEffect: () => {
        if (!hasSignalled) signal(place, { process: name, atNs: systemClock.nowNs() });
        hasSignalled = true;
      },
    };
  }

  /** Journals that mark what a bug has made. */
  journals(journals: Journals): Journals {
    if (this.#mutant.signal !== 'batch') return journals;
    return new MarkingJournals(journals, (bytes) => {
      if (this.#isMade(bytes)) markPlanted(this.#place, bytes);
    });
  }

  /** A store whose commits are looked at once they are durable. */
  store(store: Store): Store {
    switch (this.#mutant.signal) {
      case 'batch':
        return this.subject.component === 'broker' ? new WatchedStore(store, (writes) => this.#look(writes)) : store;
      case 'commit':
        return new WatchedStore(store, (writes) => this.#harm(writes));
      case 'direct':
        return store;
      default:
        return this.#mutant.signal satisfies never;
    }
  }

  #look(writes: readonly Write[]): void {
    for (const { table, value } of writes) {
      if (table === 'batches' && value !== null && isPlanted(this.#place, value)) this.subject.tookEffect();
    }
  }

  #harm(writes: readonly Write[]): void {
    const { name, component, tookEffect } = this.subject;
    this.decorations.durable?.({ name, component, path: '', disk: NO_DISK, tookEffect }, owned(writes));
  }

  /** Whether the decorations would call this batch theirs, if a broker had committed it. */
  #isMade(bytes: Uint8Array): boolean {
    let isMade = false;
    const tookEffect = (): void => {
      isMade = true;
    };
    const writes = [{ table: 'batches', key: offsetKey(0, 0), value: Buffer.from(bytes) }];
    this.decorations.durable?.({ name: 'broker', component: 'broker', path: '', disk: NO_DISK, tookEffect }, writes);
    return isMade;
  }
}

class MarkingJournals extends WrappedJournals {
  readonly #onAppend: (bytes: Uint8Array) => void;

  constructor(inner: Journals, onAppend: (bytes: Uint8Array) => void) {
    super(inner);
    this.#onAppend = onAppend;
  }

  override append(journal: string, bytes: Uint8Array, owner?: ShardEpoch): Promise<AppendOutcome> {
    this.#onAppend(bytes);
    return this.inner.append(journal, bytes, owner);
  }
}

/** Calls before whoever has committed is told. */
class WatchedStore extends DecoratedStore {
  readonly #onDurable: (writes: readonly Write[]) => void;

  constructor(inner: Store, onDurable: (writes: readonly Write[]) => void) {
    super(inner);
    this.#onDurable = onDurable;
  }

  override async commit(writes: readonly Write[]): Promise<void> {
    await this.inner.commit(writes);
    this.#onDurable(writes);
  }
}

/** What a mutant of a real process watches is its own commits: it looks at no disk. */
const NO_DISK: StoreReader = {
  get: () => undefined,
  range: () => [],
  keys: () => [],
};

function owned(writes: readonly Write[]): OwnedWrites {
  return writes.map(({ table, key, value }) => ({ table, key, value: value && Buffer.from(value) }));
}
