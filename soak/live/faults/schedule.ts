/**
 * Which fault hits what, when, and for how long: a pure function of the seed and the options. It is made step by step,
 * so that a run of weeks holds one fault at a time.
 *
 * One fault falls at a random moment into each interval. A phase that is shorter than an interval still gets one fault.
 * Kinds come in turns, with every kind once a turn. Within a turn the families alternate, so that a short phase has
 * something of each.
 *
 * With several faults at once, up to so many begin in one interval. The first of them lasts longest where one lasts,
 * and the others join it. Each is the next kind of the turn that may be open together with the others.
 */

import { assert, unreachable } from '../../../src/core/assert.ts';
import { Prng } from '../../../src/core/prng.ts';
import {
  CLIENT_FAMILIES,
  CLUSTER_FAMILIES,
  type ClusterSize,
  type FaultKind,
  type LiveFamily,
  familyOf,
  isDowngrade,
  kindsOf,
} from '../../guarantee/fault-kinds.ts';
import { CUTS, type Side } from './cluster/cuts.ts';
import { mayOverlap } from './overlap-rule.ts';
import { type PlannedFault, memberNames, processNames } from './planned-fault.ts';
import { LINK_FAULTS, drawLinkMode } from './relay/link-mode.ts';
import { AUDITOR_LINK } from './relay/relayed-links.ts';

/** The first word of this purpose's random stream: ASCII `faul`. */
const PURPOSE = 0x6661_756c;
/** A fault keeps this part of its interval away from both ends, so that two faults never coincide. */
const MARGIN = 0.15;

/**
 * Lengths of a pause or of an outage of a link, in ms: too short for anybody to notice; more than the 2 s after which a
 * client counts its broker as gone; more than the 10 s after which a broker forgets a session.
 */
export const OUTAGE_MS: Readonly<Record<'short' | 'noticed' | 'forgotten', readonly [low: number, high: number]>> = {
  short: [100, 900],
  noticed: [2_200, 3_500],
  forgotten: [10_500, 12_500],
};
/** Outages of more than 10 s happen in phases that have room for so many of them. */
const FORGOTTEN_SHARE = 1 / 12;
/** The part of the SLA that a fault lasts at most. The rest is for the repair. */
export const SLA_SHARE: number = 1 / 3;
/**
 * The same part for an outage of more than 10 s. There are few of them, and shorter ones do not show what they show.
 * With an SLA of 30 s they leave 17.5 s and more.
 */
const FORGOTTEN_SLA_SHARE = 1 / 2;
/** How long a link is slow. */
const SLOW_MS: readonly [low: number, high: number] = [500, 2_500];
/** How long a member of a cluster is down or cut off: around the 20 s of a broker's lease. */
const MEMBER_MS: readonly [low: number, high: number] = [5_000, 25_000];
/** How long a majority of etcd is away: shorter than that lease. */
const QUORUM_MS: readonly [low: number, high: number] = [3_000, 8_000];
/** How long a broker is paused: more than its lease. */
const LEASE_MS: readonly [low: number, high: number] = [22_000, 26_000];
/** How long a replaced owner is paused or down: longer than its successor needs to get its shards. */
const WAKE_MS: readonly [low: number, high: number] = [1_500, 3_000];

/** These faults end, cut or slow bytes down, and then let them pass. */
const SLOW_KINDS: readonly FaultKind[] = [
  'partition-reset',
  'partition-delay',
  'partition-throttle',
  'partition-slice',
];

/** The lengths of faults that are to be open together: there is time to prove each while the others are open. */
const TOGETHER_MS: Readonly<Record<'outage' | 'slow', readonly [low: number, high: number]>> = {
  outage: OUTAGE_MS.noticed,
  slow: [1_500, 2_500],
};
/** A fault joins another one within this part of that one's length. */
const JOIN_SHARE = 0.3;
/** How often targets are drawn for a kind until they may be hit together with others. */
const DRAWS_MAX = 4;
/** Faults that do not last, in the order in which others can join them: a killed process takes a while to return. */
const JOINED_FIRST: readonly LiveFamily[] = ['kill', 'retire', 'takeover', 'restart'];

export type ScheduleOptions = {
  readonly seed: number;
  readonly families: readonly LiveFamily[];
  readonly lengthMs: number;
  readonly intervalMs: number;
  readonly slaMs: number;
  readonly summers: number;
  readonly chunkers: number;
  /** Whether an auditor follows the journals: its link can be hurt too. */
  readonly isFollowed: boolean;
  /** The most faults that may be open together; absent: one. */
  readonly faultsAtOnce?: number;
  /** Absent: the pipeline has its own broker. */
  readonly cluster?: ClusterSize | undefined;
};

export function* faultSchedule(options: ScheduleOptions): Generator<PlannedFault, void, undefined> {
  const { seed, families, lengthMs } = options;
  assert(options.intervalMs > 0 && lengthMs > 0, 'faults have an interval and a length');
  assert(families.length > 0, 'there is a family to draw from');
  const intervalMs = Math.min(options.intervalMs, lengthMs);
  const draw = new Draw(Prng.fromSeed(seed, PURPOSE), options);
  let id = 0;
  for (let index = 0; (index + 1) * intervalMs <= lengthMs; index += 1) {
    const place = MARGIN + (1 - 2 * MARGIN) * draw.share();
    const atMs = Math.floor((index + place) * intervalMs);
    const [first, ...others] = draw.group(options.faultsAtOnce ?? 1);
    assert(first !== undefined, 'a group has a fault');
    id += 1;
    const joins = id;
    yield { id, ...first, atMs };
    const delaysMs = others.map(() => Math.floor(draw.share() * JOIN_SHARE * first.lengthMs));
    for (const delayMs of delaysMs.toSorted((one, other) => one - other)) {
      const joining = others.shift();
      assert(joining !== undefined, 'each has its delay');
      id += 1;
      yield { id, ...joining, atMs: atMs + delayMs, joins };
    }
  }
}

type Drawn = Pick<PlannedFault, 'kind' | 'targets' | 'lengthMs' | 'link'>;

/**
 * Draws faults without their times. Another fault of a kind has the same form, because it may be drawn in the place of
 * a missed one.
 */
class Draw {
  readonly #prng: Prng;
  readonly #options: ScheduleOptions;
  /** The rest of this turn, the next kind last. */
  #turn: FaultKind[] = [];
  #turns = 0;

  constructor(prng: Prng, options: ScheduleOptions) {
    this.#prng = prng;
    this.#options = options;
  }

  /** From 0 to 1. */
  share(): number {
    return this.#prng.next32() / 2 ** 32;
  }

  /** At least one and at most `most` faults that may be open together, first the one that the others join. */
  group(most: number): Drawn[] {
    // More often many than few: not every fault has a companion.
    const size = most === 1 ? 1 : Math.max(this.#prng.between(1, most), this.#prng.between(1, most));
    if (this.#turn.length === 0) this.#shuffle();
    const kind = this.#turn.pop();
    assert(kind !== undefined, 'every family has a kind');
    const group = [this.#draw(kind, size > 1)];
    while (group.length < size) {
      const other = this.#companionOf(group);
      if (other === null) break;
      group.push(other);
    }
    return group.toSorted((one, other) => other.lengthMs - one.lengthMs || joinRank(one) - joinRank(other));
  }

  /** The next kind of this turn that may be open together with all of these faults; null: there is none. */
  #companionOf(group: readonly Drawn[]): Drawn | null {
    const hasUpgrades = this.#turn.some((kind) => kind.startsWith('upgrade-'));
    for (const kind of this.#turn.toReversed()) {
      // Nobody can go back to a build that it has not left.
      if (isDowngrade(kind) && hasUpgrades) continue;
      for (let draws = 0; draws < DRAWS_MAX; draws += 1) {
        const drawn = this.#draw(kind, true);
        if (!group.every((other) => mayOverlap(other, drawn))) continue;
        this.#turn.splice(this.#turn.indexOf(kind), 1);
        return drawn;
      }
    }
    return null;
  }

  #draw(kind: FaultKind, isTogether: boolean): Drawn {
    const drawn = { kind, targets: this.#targetsOf(kind, isTogether), lengthMs: this.#lengthOf(kind, isTogether) };
    const fault = LINK_FAULTS.find((name) => kind === `partition-${name}`);
    return fault === undefined ? drawn : { ...drawn, link: drawLinkMode(fault, this.#prng) };
  }

  #shuffle(): void {
    const kinds = this.#inRandomOrder(kindsOf(this.#options.families, this.#options));
    const families = this.#inRandomOrder(this.#options.families).map((family) =>
      backLast(kinds.filter((kind) => familyOf(kind) === family)),
    );
    const longest = Math.max(...families.map(({ length }) => length));
    const byTurns = Array.from({ length: longest }, (_, at) => families.flatMap((of) => of.slice(at, at + 1))).flat();
    this.#turn = byTurns.toReversed();
    this.#turns += 1;
  }

  #targetsOf(kind: FaultKind, isTogether: boolean): string[] {
    const { summers, chunkers, cluster } = this.#options;
    const allSummers = processNames('summer', summers);
    const own = cluster === undefined ? ['broker'] : [];
    const all = [...own, ...allSummers, ...processNames('chunker', chunkers)];
    switch (kind) {
      case 'kill-broker':
      case 'pause-broker':
      case 'upgrade-broker':
      case 'downgrade-broker':
        return ['broker'];
      case 'kill-summer':
      case 'pause-summer':
      case 'takeover-running':
      case 'takeover-paused':
      case 'takeover-dead':
      case 'takeover-elsewhere':
      case 'downgrade-summer':
        return [`summer-${this.#prng.below(summers)}`];
      case 'kill-two-summers':
        return this.#inRandomOrder(allSummers).slice(0, 2);
      case 'kill-all-summers':
        return allSummers;
      case 'kill-chunker':
      case 'pause-chunker':
      case 'retire-chunker':
      case 'retire-chunker-twice':
      case 'downgrade-chunker':
        return [`chunker-${this.#prng.below(chunkers)}`];
      case 'upgrade-summer':
        return this.#inRandomOrder(allSummers);
      case 'upgrade-chunker':
        return this.#inRandomOrder(processNames('chunker', chunkers));
      case 'restart-each':
        return this.#inRandomOrder(all);
      case 'kill-everything':
      case 'pause-everything':
      case 'restart-all':
        return all;
      case 'partition-refuse':
      case 'partition-drop':
      case 'partition-drop-one-way':
      case 'partition-stall':
      case 'partition-reset':
      case 'partition-delay':
      case 'partition-throttle':
      case 'partition-slice':
        return this.#links(isTogether);
      case 'member-kill-etcd':
        return this.#side('etcd', 1);
      case 'member-kill-broker':
      case 'member-pause-broker':
      case 'member-strand-broker':
      case 'member-kill-appending':
        return this.#side('broker', 1);
      case 'member-kill-two-brokers':
        return this.#side('broker', 2);
      case 'member-kill-in-turn':
        return this.#side('broker', 3);
      case 'member-restart-brokers':
      case 'member-kill-all-brokers':
        return this.#side('broker', cluster?.brokers ?? 0);
      case 'network-etcd':
      case 'network-brokers':
      case 'network-broker-etcd':
      case 'network-broker-etcd-one-way':
      case 'network-broker-summers':
      case 'network-summer-etcd':
      case 'network-summer-brokers':
      case 'network-store':
      case 'network-etcd-one-way':
      case 'network-brokers-one-way':
      case 'network-broker-summers-one-way':
        return this.#side(CUTS[kind].of, CUTS[kind].count);
      case 'power-broker':
        return this.#side('broker', 1);
      case 'power-two-brokers':
        return this.#side('broker', 2);
      case 'power-etcd':
        return this.#side('etcd', 1);
      case 'power-two-etcd':
        return this.#side('etcd', 2);
      case 'power-all':
        return [...this.#side('etcd', cluster?.etcd ?? 0), ...this.#side('broker', cluster?.brokers ?? 0)];
      default:
        return unreachable(kind);
    }
  }

  /** Some members of a cluster, or some summers. `half`: the smaller half. */
  #side(side: Side, count: number | 'half'): string[] {
    const { summers, cluster = { brokers: 0, etcd: 0 } } = this.#options;
    const names = side === 'summer' ? processNames('summer', summers) : memberNames(side, cluster);
    return this.#inRandomOrder(names).slice(0, count === 'half' ? Math.floor(names.length / 2) : count);
  }

  /** `isTogether`: other faults are to be open at the same time. */
  #lengthOf(kind: FaultKind, isTogether: boolean): number {
    const { slaMs, lengthMs } = this.#options;
    const within = ([low, high]: readonly [number, number], slaShare: number = SLA_SHARE): number =>
      Math.min(slaMs * slaShare, Math.round(low + (high - low) * this.share()));
    if (familyOf(kind) === 'takeover' && kind !== 'takeover-running') return within(WAKE_MS);
    if (SLOW_KINDS.includes(kind)) return within(isTogether ? TOGETHER_MS.slow : SLOW_MS);
    if (kind === 'member-pause-broker') return within(LEASE_MS);
    if (kind === 'member-restart-brokers') return 0;
    if (kind === 'power-two-etcd') return within(QUORUM_MS);
    if (CLUSTER_FAMILIES.includes(familyOf(kind)) && !CLIENT_FAMILIES.includes(familyOf(kind)))
      return within(MEMBER_MS);
    if (familyOf(kind) !== 'pause' && familyOf(kind) !== 'partition') return 0;
    if (isTogether) return within(TOGETHER_MS.outage);
    // In the first turn an outage lasts at most as long as a client's patience. After that every third one may be
    // longer.
    const roomMs = Math.min(slaMs * FORGOTTEN_SLA_SHARE, lengthMs * FORGOTTEN_SHARE);
    const isLong = this.#turns > 1 && OUTAGE_MS.forgotten[1] <= roomMs;
    const drawn = this.#prng.below(isLong ? 3 : 2);
    if (drawn === 2) return within(OUTAGE_MS.forgotten, FORGOTTEN_SLA_SHARE);
    return within(drawn === 1 ? OUTAGE_MS.noticed : OUTAGE_MS.short);
  }

  /** Usually one client, else some or all of them. Together with other faults one, which leaves them the others. */
  #links(isTogether: boolean): string[] {
    const { summers, chunkers, isFollowed } = this.#options;
    const clients = [...processNames('summer', summers), ...processNames('chunker', chunkers)];
    const links = isFollowed ? [...clients, AUDITOR_LINK] : clients;
    if (isTogether) return this.#inRandomOrder(links).slice(0, 1);
    const counts = [1, 1, 1, this.#prng.between(1, links.length), links.length];
    return this.#inRandomOrder(links).slice(0, counts[this.#prng.below(counts.length)]);
  }

  /** Fisher-Yates. */
  #inRandomOrder<T>(values: readonly T[]): T[] {
    const drawn: T[] = [];
    const left = [...values];
    while (left.length > 0) drawn.push(...left.splice(this.#prng.below(left.length), 1));
    return drawn;
  }
}

function joinRank({ kind }: Drawn): number {
  const rank = JOINED_FIRST.indexOf(familyOf(kind));
  return rank < 0 ? JOINED_FIRST.length : rank;
}

/** Nobody can go back to a build that it has not left. */
function backLast(kinds: readonly FaultKind[]): FaultKind[] {
  return [...kinds.filter((kind) => !isDowngrade(kind)), ...kinds.filter(isDowngrade)];
}
