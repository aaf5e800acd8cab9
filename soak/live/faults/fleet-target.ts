/** The processes of a fleet as targets of faults, and who takes over from whom. */

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '../../../src/core/assert.ts';
import type { Clock } from '../../../src/core/clock.ts';
import type { ComponentProcess, ComponentSpec, Launch } from '../../../src/fleet/component-process.ts';
import type { Fleet } from '../../../src/fleet/fleet.ts';
import { lastLogLines } from '../../../src/fleet/exit-judgement.ts';
import { processArguments, processState } from '../../../src/fleet/process-usage.ts';
import type { MomentPages } from '../../../src/moments/moment-pages.ts';
import type { LiveDecorations } from '../decorations.ts';
import type { Build, FaultTarget, Handover, Retirement } from './actions/target.ts';
import type { FaultAction } from './actions/action.ts';
import type { FaultTargets } from './injector.ts';
import type { PlannedFault } from './planned-fault.ts';
import { clusterAction } from './cluster/cluster-faults.ts';
import type { ClusterKind } from './cluster/cuts.ts';
import type { Lab } from './cluster/lab.ts';
import { memberTarget } from './cluster/member-target.ts';
import { Partition } from './relay/partition.ts';
import { AUDITOR_LINK, type RelayedLinks } from './relay/relayed-links.ts';
import { type RetirementOptions, retirementOf } from './retirement.ts';

/** The number of folders among which a summer's shards move. The first one is its own. */
const FOLDERS = 3;
/** The folder for each takeover of a summer: to and fro, and on to a third folder. The list begins again at its end. */
const SUCCESSORS: readonly number[] = [1, 0, 1, 2, 0, 2, 1, 0];

/** `summer-0-spare-1`, `summer-0-spare-2`: the summers that may take over from `summer-0`. */
export function spareNames(summer: string): string[] {
  return Array.from({ length: FOLDERS - 1 }, (_, index) => `${summer}-spare-${index + 1}`);
}

type Decorations = Pick<
  LiveDecorations,
  'moments' | 'kills' | 'relay' | 'pauses' | 'resumes' | 'states' | 'takeovers' | 'retires' | 'exchanges'
>;

/** The builds of a run that begins with another build. */
export type Builds = { readonly [Name in Build]: Launch };

/** The auditor is this process, so only its link can be hurt. */
const AUDITOR: FaultTarget = {
  name: AUDITOR_LINK,
  partitions: [],
  pid: process.pid,
  ready: true,
  state: null,
  moments: () => null,
  kill: () => undefined,
  restart: () => undefined,
  pause: () => undefined,
  resume: () => undefined,
  send: () => undefined,
  build: null,
  lastLine: '',
  exchange: () => undefined,
};

export class FleetTargets implements FaultTargets {
  readonly chunkers: readonly FaultTarget[];
  readonly partitions: number;
  readonly #fleet: Fleet;
  readonly #clock: Clock;
  readonly #seed: number;
  readonly #links: RelayedLinks | null;
  readonly #lab: Lab | null;
  readonly #repeatedRecords: () => number;
  readonly #decorations: Decorations;
  readonly #builds: Builds | null;
  readonly #spareSpec: (summer: ComponentSpec, name: string) => ComponentSpec;
  readonly #pages: MomentPages | null;
  readonly #targets = new Map<string, FaultTarget>();
  /** By summer of the plan: the process that owns its shards, and how often they were taken over. */
  readonly #owners = new Map<string, { name: string; takeovers: number }>();
  readonly #retirements: Pick<
    RetirementOptions,
    'dataFolder' | 'endpoint' | 'producerOf' | 'onRetired' | 'onUnfinished'
  >;

  constructor(options: {
    readonly fleet: Fleet;
    readonly partitions: number;
    readonly clock: Clock;
    readonly seed: number;
    /** Null: clients dial the broker itself. */
    readonly links: RelayedLinks | null;
    /** Absent, or null: there is no cluster whose members could be hurt. */
    readonly lab?: Lab | null;
    /** Records that were found twice in journals so far; absent: nobody looks. */
    readonly repeatedRecords?: (() => number) | undefined;
    /** The same summer with another folder and another name. */
    readonly spareSpec: (summer: ComponentSpec, name: string) => ComponentSpec;
    readonly retirements: Pick<
      RetirementOptions,
      'dataFolder' | 'endpoint' | 'producerOf' | 'onRetired' | 'onUnfinished'
    >;
    /** Null: there is one build. */
    readonly builds: Builds | null;
    readonly decorations?: Decorations;
    /** The pages of the fleet's processes; absent: it is unknown at which moment a process is hit. */
    readonly pages?: MomentPages | null;
  }) {
    this.#fleet = options.fleet;
    this.partitions = options.partitions;
    this.#clock = options.clock;
    this.#seed = options.seed;
    this.#links = options.links;
    this.#lab = options.lab ?? null;
    this.#repeatedRecords = options.repeatedRecords ?? ((): number => 0);
    this.#spareSpec = options.spareSpec;
    this.#pages = options.pages ?? null;
    this.#retirements = options.retirements;
    this.#decorations = options.decorations ?? {};
    this.#builds = options.builds;
    this.chunkers = this.#fleet.of('chunker').map(({ name }) => this.#target(name));
  }

  named(name: string): FaultTarget {
    return this.#target(this.#owners.get(name)?.name ?? name);
  }

  #target(name: string): FaultTarget {
    if (name === AUDITOR_LINK) return AUDITOR;
    let target = this.#targets.get(name);
    if (target === undefined) {
      const member = this.#lab?.members.find((candidate) => candidate.name === name);
      target = member === undefined ? this.#processTarget(name) : memberTarget(member);
      this.#targets.set(name, target);
    }
    return target;
  }

  #processTarget(name: string): FaultTarget {
    const by = { decorations: this.#decorations, pages: this.#pages, builds: this.#builds };
    return targetOf(this.#fleet.named(name), this.#fleet, by);
  }

  /** A successor dials where its predecessor did: the links have the names of the plan. */
  partition({ id, targets: links, link: mode }: PlannedFault): FaultAction {
    const relayed = this.#links;
    assert(relayed !== null && mode !== undefined, 'a partition has a relay and a mode');
    const { relay } =
      this.#decorations.relay === undefined ? relayed : { relay: this.#decorations.relay(relayed.relay) };
    const endpointOf = (link: string): string => relayed.endpointOf(link);
    return new Partition({ relay, links, mode, seed: this.#seed + id, clock: this.#clock, endpointOf });
  }

  cluster(kind: ClusterKind, plan: PlannedFault, targets: readonly FaultTarget[]): FaultAction {
    const lab = this.#lab;
    assert(lab !== null, 'a fault of a cluster has a cluster');
    return clusterAction(kind, { plan, targets, lab, repeatedRecords: this.#repeatedRecords });
  }

  retirement({ name }: FaultTarget, times: number): Retirement {
    const from = { fleet: this.#fleet, partitions: this.partitions, decorations: this.#decorations };
    return retirementOf(name, times, { ...this.#retirements, ...from });
  }

  handover({ name: old }: FaultTarget): Handover {
    const fleet = this.#fleet;
    const [first = old] = /^summer-\d+/.exec(old) ?? [];
    const owner = this.#owners.get(first) ?? { name: first, takeovers: 0 };
    assert(owner.name === old, `${old} owns the shards that are taken over`);
    const turn = SUCCESSORS[owner.takeovers % SUCCESSORS.length] ?? 0;
    const successor = [first, ...spareNames(first)][turn] ?? first;
    assert(successor !== old, 'nobody takes over from itself');
    const oldProcess = fleet.named(old);
    const next = fleet.add(this.#spareSpec(fleet.named(first).spec, successor), oldProcess.launch);
    return {
      old,
      successor,
      killOld: () => fleet.killForGood(oldProcess),
      takeOver: () => {
        if (this.#decorations.takeovers?.(old) === false) return;
        this.#owners.set(first, { name: successor, takeovers: owner.takeovers + 1 });
        fleet.replace(oldProcess, next);
      },
      isElsewhere: (pid) => isHidden(dataFolderOf(oldProcess.spec), pid),
      returnOld: () => fleet.startReplaced(oldProcess),
    };
  }
}

function targetOf(
  process: ComponentProcess,
  fleet: Fleet,
  by: { readonly decorations: Decorations; readonly pages: MomentPages | null; readonly builds: Builds | null },
): FaultTarget {
  const { name } = process;
  const { decorations, pages, builds } = by;
  return {
    name,
    partitions: process.spec.partitions,
    get pid() {
      return process.pid;
    },
    get ready() {
      return process.state === 'ready';
    },
    get state() {
      const state = process.pid === null ? null : processState(process.pid);
      return decorations.states === undefined ? state : decorations.states(name, state);
    },
    moments: () => {
      const seen = pages?.read(name) ?? null;
      return decorations.moments === undefined ? seen : decorations.moments(name, seen);
    },
    kill: () => {
      if (decorations.kills?.(name) !== false) fleet.kill(process);
    },
    restart: () => {
      if (decorations.kills?.(name) !== false) fleet.restart(process);
    },
    pause: (limitMs) => {
      if (decorations.pauses?.(name) !== false) fleet.pause(process, limitMs);
    },
    resume: () => {
      if (decorations.resumes?.(name) !== false) fleet.resume(process);
    },
    send: (command) => process.send(command),
    get build() {
      return builds === null || process.pid === null ? null : buildOf(process.pid, builds);
    },
    get lastLine() {
      return lastLogLines(process.logPath, 1)[0] ?? '';
    },
    exchange: (build) => {
      assert(builds !== null, 'there is another build');
      const launch = decorations.exchanges?.(name) === false ? process.launch : builds[build];
      fleet.exchange(process, launch, { mayRefuse: build === 'older' });
    },
  };
}

function dataFolderOf({ argv }: ComponentSpec): string {
  return argv[argv.indexOf('--data') + 1] ?? '';
}

/** Whether a folder that has files is missing or empty in the file systems that a process sees. */
function isHidden(folder: string, pid: number): boolean {
  return filesIn(folder) > 0 && filesIn(join('/proc', String(pid), 'root', folder)) === 0;
}

function filesIn(folder: string): number {
  return existsSync(folder) ? readdirSync(folder).length : 0;
}

function buildOf(pid: number, builds: Builds): Build | null {
  const argv = processArguments(pid) ?? [];
  const isOf = ({ command, argv: before }: Launch): boolean =>
    [command, ...before].every((argument, at) => argv[at] === argument);
  if (isOf(builds.newer)) return 'newer';
  return isOf(builds.older) ? 'older' : null;
}
