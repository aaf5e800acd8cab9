/** What actions do to processes and see of them. The fleet stands behind it (`fleet-target.ts`), and fakes in tests. */

import type { ComponentCommand } from '../../../../src/component/protocol.ts';
import type { SeenMoments } from '../../../../src/moments/page-layout.ts';

/** Of a run with `--upgrade-from`: that which it names, and this one. */
export type Build = 'older' | 'newer';

/** A process. The name of a summer in a plan stands for the process that owns its shards now. */
export type FaultTarget = {
  /** Of the process. */
  readonly name: string;
  readonly partitions: readonly number[];
  /** Null while it is down. */
  readonly pid: number | null;
  /** It serves, and nothing else ends or replaces it. */
  readonly ready: boolean;
  /** The letter of its state in the kernel (`T`: stopped); null: there is no such process. */
  readonly state: string | null;
  /** What its page says; of a process that is dead, what it said last. Null: nothing. */
  moments(): SeenMoments | null;
  /** SIGKILL; it is started again when it has ended. */
  kill(): void;
  /** SIGTERM; it is started again when it has ended. */
  restart(): void;
  /** SIGSTOP, for `limitMs` at the most. */
  pause(limitMs: number): void;
  /** SIGCONT. */
  resume(): void;
  send(command: ComponentCommand): void;
  /** Which build it runs by the command line that the kernel has of it; null: neither of them, or it is down. */
  readonly build: Build | null;
  /** The last line of its log. */
  readonly lastLine: string;
  /**
   * SIGTERM; it is started again by this build when it has ended. An older build may refuse its folder: then it is
   * started by the newer one again.
   */
  exchange(build: Build): void;
};

/** A chunker that dies for good, and who comes in its place under its name. */
export type Retirement = {
  /** Of the one that dies, 16 hexadecimal digits. */
  readonly producer: string;
  /** SIGKILL; it stays down. */
  kill(): void;
  /** Ends its producer in every journal. Resolves with what was seen of that in words, or null; never rejects. */
  retire(): Promise<string | null>;
  /** A new chunker with a new folder takes the place of the one that was retired. */
  join(): void;
  /** It is started again on its own folder if it is down: nobody has retired it. */
  comeBack(): void;
};

/** One summer's shards on their way to another one. Names are those of processes. */
export type Handover = {
  readonly old: string;
  readonly successor: string;
  /** SIGKILL of the old one, which stays down. */
  killOld(): void;
  /** Starts the successor, which takes the shards over. From now on the old one is expected to be replaced. */
  takeOver(): void;
  /** Starts the old one on its folder, as an operator does who does not know. */
  returnOld(): void;
};
