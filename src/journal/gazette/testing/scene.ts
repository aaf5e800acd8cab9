/** Clients of a fake cluster on a clock that tests move. */

import type { Log } from '../../../core/log.ts';
import { ManualClock } from '../../../core/testing/manual-clock.ts';
import { GazetteJournals } from '../gazette-journals.ts';
import { FakeCluster } from './fake-cluster.ts';

export type Scene = {
  readonly clock: ManualClock;
  readonly cluster: FakeCluster;
  /** What the clients have logged. */
  readonly lines: string[];
  readonly connect: () => GazetteJournals;
};

/** The cluster has these journals, whose names begin with `p/`. */
export function fakeScene(journals: readonly string[]): Scene {
  const clock = new ManualClock();
  const cluster = new FakeCluster(clock, journals);
  const lines: string[] = [];
  const say: Log['warn'] = (_, line) => void lines.push(line);
  const log = { info: say, warn: say, fatal: say };
  const options = { clock, address: 'gazette+http://fake:8080/p', prefix: 'p/', log };
  return { clock, cluster, lines, connect: () => new GazetteJournals(cluster, options) };
}

/** What has come of a promise by now. */
export type Came<T> = {
  value: T | undefined;
  failure: { kind?: string; code?: string; message?: string; witness?: unknown } | undefined;
};

export function watch<T>(promise: Promise<T>): Came<T> {
  const came: Came<T> = { value: undefined, failure: undefined };
  promise.then(
    (value) => (came.value = value),
    (error: unknown) => (came.failure = error as Came<T>['failure']),
  );
  return came;
}
