/**
 * The members of a cluster that a soak runs itself, and their network, as faults know them. `soak/cluster/` has the
 * real ones.
 */

/** A process of the cluster. */
export type LabMember = {
  readonly name: string;
  /** Null while it is down. */
  readonly pid: number | null;
  /** It has answered since its start. */
  readonly isReady: boolean;
  /** SIGKILL; it stays down. */
  kill(): Promise<void>;
  start(): void;
  /** SIGTERM; it is started again when it has ended. */
  restart(): void;
  /** SIGSTOP. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** Asks it whether it answers; the listener is told. */
  ask(): Promise<void>;
};

/** What is seen of the members. */
export type LabListener = {
  onExit(exit: {
    readonly name: string;
    readonly pid: number;
    readonly code: number | null;
    readonly signal: NodeJS.Signals | null;
  }): void;
  /** The first answer since its start. */
  onReady(member: { readonly name: string; readonly pid: number }): void;
  onAnswer(name: string): void;
};

/** Packets to those whom a member does not reach, and from them. */
export type Packets = { readonly out: number; readonly in: number };

export type LabCut = {
  begin(): void;
  heal(): void;
  /** Throws what has gone wrong. */
  check(): void;
  /** By member that is cut off, what did not pass, as the kernel counts it. */
  readonly lost: ReadonlyMap<string, Packets>;
  /** What has passed since the cut was over. */
  readonly passed: ReadonlyMap<string, Packets>;
  /** Nothing of it is left. */
  readonly isOver: boolean;
};

export type CutAsked = {
  readonly members: readonly string[];
  readonly peers: readonly string[];
  readonly how: 'drop' | 'reject';
  readonly isOneWay: boolean;
};

export interface Lab {
  readonly members: readonly LabMember[];
  /** Names of the processes that have their own place in the network. */
  readonly clients: readonly string[];
  /** Called once. */
  watch(listener: LabListener): void;
  /** Both may be clients too. */
  cut(asked: CutAsked): LabCut;
}
