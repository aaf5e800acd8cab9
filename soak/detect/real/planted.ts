/**
 * Puts the decorations of a mutant around the parts of a component in a real process. They are the decorations of the
 * simulation. Says when the bug took effect, before anybody who could notice is told.
 *
 * A batch that a bug has made takes effect when the broker has committed it. The process that makes the batch is not
 * the broker, so it marks the batch before it sends it, and the broker looks for the mark.
 */

import { basename } from 'node:path';
import { mixWords, Prng } from '../../../src/core/prng.ts';
import { systemClock } from '../../../src/core/clock.ts';
import type { AppendOutcome, Journals, ShardEpoch } from '../../../src/journal/journals.ts';
import { WrappedJournals } from '../../../src/journal/wrapped-journals.ts';
import { offsetKey } from '../../../src/store/row.ts';
import type { Store, StoreReader, Write } from '../../../src/store/store.ts';
import type { Component, Decorations, Subject } from '../../simulation/decorations.ts';
import { WrappedStore } from '../../../src/store/wrapped-store.ts';
import { mutantNamed } from '../../simulation/mutants/index.ts';
import type { OwnedWrites } from '../../simulation/world/disk.ts';
import { type PlantedPlace, countStart, isPlanted, markPlanted, readPlace, signal } from './planted-place.ts';
import { type RealMutant, realMutantNamed } from './real-mutants.ts';

/** The bug of this process, and the process itself. */
export class Planted {
  readonly decorations: Decorations;
  readonly subject: Subject;
  readonly #place: PlantedPlace;
  readonly #mutant: RealMutant;

  /** `path`: the data folder of the process, which bears its name. */
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

  /** Journals that mark the batches that a bug has made. */
  journals(journals: Journals): Journals {
    if (this.#mutant.signal !== 'batch') return journals;
    return new MarkingJournals(journals, (bytes) => {
      if (this.#isMade(bytes)) markPlanted(this.#place, bytes);
    });
  }

  /** A store whose commits are examined once they are durable. */
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

  /** Whether the decorations would claim this batch, if a broker had committed it. */
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

/** A store that calls a function before the committer is told. */
class WatchedStore extends WrappedStore {
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

/** A mutant in a real process watches only its own commits and looks at no disk. */
const NO_DISK: StoreReader = {
  get: () => undefined,
  range: () => [],
  keys: () => [],
};

function owned(writes: readonly Write[]): OwnedWrites {
  return writes.map(({ table, key, value }) => ({ table, key, value: value && Buffer.from(value) }));
}
