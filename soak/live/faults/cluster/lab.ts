/**
 * The members of a cluster that a soak runs itself, and their network, as faults know them. `soak/cluster/` has the
 * real ones.
 */

/** A process of the cluster. */
export type LabMember = {
  readonly name: string;
  /** Null while the member is down. */
  readonly pid: number | null;
  /** Whether it has answered since its start. */
  readonly isReady: boolean;
  /** Sends SIGKILL; the member stays down. */
  kill(): Promise<void>;
  start(): void;
  /** Sends SIGTERM; the member is started again when it has ended. */
  restart(): void;
  /** Sends SIGSTOP. */
  pause(): void;
  /** Sends SIGCONT. */
  resume(): void;
  /** Asks whether the member answers; the listener is told. */
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
  /** The first answer of a member since its start. */
  onReady(member: { readonly name: string; readonly pid: number }): void;
  onAnswer(name: string): void;
};

/** Packets to those whom a member does not reach, and from them. */
export type Packets = { readonly out: number; readonly in: number };

export type LabCut = {
  begin(): void;
  heal(): void;
  /** Throws the first error, if there is one. */
  check(): void;
  /** By member that is cut off: the packets that the kernel has stopped. */
  readonly lost: ReadonlyMap<string, Packets>;
  /** Packets that have passed since the end of the cut. */
  readonly passed: ReadonlyMap<string, Packets>;
  /** Nothing of the cut is left. */
  readonly isOver: boolean;
};

export type CutAsked = {
  readonly members: readonly string[];
  readonly peers: readonly string[];
  readonly how: 'drop' | 'reject';
  readonly isOneWay: boolean;
};

export type LabPowerCut = {
  begin(): void;
  heal(): void;
  /** Throws the first error, if there is one. */
  check(): void;
  /** By disk that was cut, the bytes that were not on it. Null until the disks are there again, without them. */
  readonly unsynced: ReadonlyMap<string, number> | null;
  /** Each member was started again. */
  readonly isOver: boolean;
};

export interface Lab {
  readonly members: readonly LabMember[];
  /** Names of the processes that have their own place in the network. */
  readonly clients: readonly string[];
  /** Called once. */
  watch(listener: LabListener): void;
  /** Both sides may also be clients. */
  cut(asked: CutAsked): LabCut;
  /** Packets from and to a member vanish from now on, and nobody is told. */
  darken(name: string): void;
  lighten(name: string): void;
  /** Journals whose primary is this broker now. */
  journalsLedBy(name: string): Promise<readonly string[]>;
  /** `withStore`: with the disk of the fragment store. */
  powerCut(asked: { readonly members: readonly string[]; readonly withStore: boolean }): LabPowerCut;
}
