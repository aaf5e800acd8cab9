/** What actions do to processes and see of them. Behind it stands the fleet (`fleet-target.ts`), or fakes in tests. */

import type { ComponentCommand } from '../../../../src/component/protocol.ts';
import type { SeenMoments } from '../../../../src/moments/page-layout.ts';

/** The builds of a run with `--upgrade-from`: the named one, and this one. */
export type Build = 'older' | 'newer';

/** A process. In a plan the name of a summer stands for the process that owns its shards now. */
export type FaultTarget = {
  /** The name of the process. */
  readonly name: string;
  readonly partitions: readonly number[];
  /** Null while the process is down. */
  readonly pid: number | null;
  /** The process serves, and nothing else ends or replaces it. */
  readonly ready: boolean;
  /** The letter of its state in the kernel (`T`: stopped); null: there is no such process. */
  readonly state: string | null;
  /** What its page says now; for a dead process, what it said last. Null: nothing. */
  moments(): SeenMoments | null;
  /** Sends SIGKILL; the process is started again when it has ended. */
  kill(): void;
  /** Sends SIGTERM; the process is started again when it has ended. */
  restart(): void;
  /** Sends SIGSTOP, for at most `limitMs`. */
  pause(limitMs: number): void;
  /** Sends SIGCONT. */
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

/** A chunker that dies for good, and the chunker that takes its place and its name. */
export type Retirement = {
  /** The producer of the one that dies, 16 hexadecimal digits. */
  readonly producer: string;
  /** Sends SIGKILL; the chunker stays down. */
  kill(): void;
  /** Ends its producer in every journal. Resolves with a description of what was seen, or null; never rejects. */
  retire(): Promise<string | null>;
  /** Puts a new chunker with a new folder in the place of the retired one. */
  join(): void;
  /** Starts the chunker again on its own folder if it is down, because it was not retired. */
  comeBack(): void;
};

/** One summer's shards on their way to another summer. Names are those of processes. */
export type Handover = {
  readonly old: string;
  readonly successor: string;
  /** Sends SIGKILL to the old owner, which stays down. */
  killOld(): void;
  /** Starts the successor, which takes the shards over. From now on the old owner is expected to be replaced. */
  takeOver(): void;
  /** Whether the process of this id finds nothing where the old owner has its folder, as on another machine. */
  isElsewhere(pid: number): boolean;
  /** Starts the old owner on its folder, like an operator who does not know of the successor. */
  returnOld(): void;
};
