/** Fake processes: what an injector does to them is noted, and its probes see what a test wants. */

import type { ComponentCommand } from '../../../src/component/protocol.ts';
import type { SeenMoments } from '../../../src/moments/page-layout.ts';
import type { Build, FaultTarget, Handover, Retirement } from '../faults/actions/target.ts';
import type { FaultAction } from '../faults/actions/action.ts';
import type { FaultTargets } from '../faults/injector.ts';

export class FakeTarget implements FaultTarget {
  readonly name: string;
  readonly partitions: readonly number[];
  pid: number | null = 1;
  ready = true;
  state: string | null = 'S';
  /** The requests, in order. */
  readonly asked: string[] = [];
  readonly commands: ComponentCommand[] = [];
  /** What its page says. */
  seen: SeenMoments | null = null;

  constructor(name: string, partitions: readonly number[] = []) {
    this.name = name;
    this.partitions = partitions;
  }

  moments(): SeenMoments | null {
    return this.seen;
  }

  kill(): void {
    this.asked.push('kill');
    this.ready = false;
  }

  restart(): void {
    this.asked.push('restart');
    this.ready = false;
  }

  pause(limitMs: number): void {
    this.asked.push(`pause ${limitMs}`);
    this.state = 'T';
  }

  resume(): void {
    this.asked.push('resume');
    this.state = 'S';
  }

  send(command: ComponentCommand): void {
    this.commands.push(command);
  }

  build: Build | null = null;
  lastLine = '';

  exchange(build: Build): void {
    this.asked.push(`exchange ${build}`);
    this.ready = false;
  }
}

/** Two summers of two partitions each, and two chunkers. */
export class FakeTargets implements FaultTargets {
  readonly broker: FakeTarget = new FakeTarget('broker');
  readonly summers: readonly FakeTarget[] = [new FakeTarget('summer-0', [0, 1]), new FakeTarget('summer-1', [2, 3])];
  readonly chunkers: readonly FakeTarget[] = [new FakeTarget('chunker-0'), new FakeTarget('chunker-1')];
  readonly partitions: number = 4;
  /** Whether successors do not find the folder of the old owner. */
  isElsewhere = true;
  /** Requests for takeovers, in order. */
  readonly takeovers: string[] = [];

  /** What was asked for of retirements, in order. */
  readonly retirements: string[] = [];
  /** What the retirement that is under way has come to; called once. */
  retired: (saw: string | null) => void = () => undefined;

  /** Puts a new chunker in the place of the retired one. */
  join: () => void = () => void this.retirements.push('join');

  get all(): readonly FakeTarget[] {
    return [this.broker, ...this.summers, ...this.chunkers];
  }

  named(name: string): FakeTarget {
    const target = this.all.find((candidate) => candidate.name === name);
    if (target === undefined) throw new TypeError(`nobody is named ${name}`);
    return target;
  }

  partition(): FaultAction {
    throw new Error('there is no relay');
  }

  cluster(): FaultAction {
    throw new Error('there is no cluster');
  }

  retirement(): Retirement {
    const ask = (what: string) => (): void => void this.retirements.push(what);
    return {
      producer: 'a',
      kill: ask('kill'),
      retire: () => {
        this.retirements.push('retire');
        return new Promise((resolve) => (this.retired = resolve));
      },
      join: () => this.join(),
      comeBack: ask('come back'),
    };
  }

  handover({ name: old }: FaultTarget): Handover {
    const successor = `${old}-spare-1`;
    return {
      old,
      successor,
      killOld: () => this.takeovers.push('kill'),
      takeOver: () => this.takeovers.push('take over'),
      isElsewhere: () => this.isElsewhere,
      returnOld: () => this.takeovers.push('return'),
    };
  }
}
