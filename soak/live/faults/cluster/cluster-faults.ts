/** What each fault of a cluster does to its members, their network or their power. */

import { assert, unreachable } from '../../../../src/core/assert.ts';
import type { FaultAction } from '../actions/action.ts';
import { Kill, type Mortal } from '../actions/kill.ts';
import { Pause } from '../actions/pause.ts';
import { Restart } from '../actions/restart.ts';
import type { FaultTarget } from '../actions/target.ts';
import type { PlannedFault } from '../planned-fault.ts';
import { type ClusterKind, CUTS, type CutShape, type Side } from './cuts.ts';
import { Cut } from './cut.ts';
import type { Lab, LabMember } from './lab.ts';
import { PowerLoss, mortalOf } from './power-loss.ts';
import { Sequence } from './sequence.ts';
import { Leading, Repeating } from './witnesses.ts';

export function clusterAction(
  kind: ClusterKind,
  of: {
    readonly plan: PlannedFault;
    readonly targets: readonly FaultTarget[];
    readonly lab: Lab;
    /** Records that were found twice in journals so far. */
    readonly repeatedRecords: () => number;
  },
): FaultAction {
  const { plan, targets, lab, repeatedRecords } = of;
  switch (kind) {
    case 'member-kill-etcd':
    case 'member-kill-broker':
    case 'member-kill-two-brokers':
    case 'member-kill-all-brokers':
      return killOf(lab, plan.targets);
    case 'member-kill-appending':
      return new Sequence([
        { afterMs: 0, action: killOf(lab, plan.targets) },
        { afterMs: 0, action: new Repeating(repeatedRecords) },
      ]);
    case 'member-strand-broker':
      return strand(lab, plan.targets);
    case 'member-kill-in-turn':
      return killInTurn(lab, plan.targets);
    case 'member-pause-broker':
      return new Pause(targets, plan);
    case 'member-restart-brokers':
      return new Restart(targets, { rolling: true });
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
      return cutOf(lab, plan.targets, { ...CUTS[kind], isOfClients: CUTS[kind].of === 'summer' });
    case 'power-broker':
    case 'power-two-brokers':
    case 'power-etcd':
    case 'power-two-etcd':
    case 'power-all': {
      const members = plan.targets.map((name) => memberOf(lab, name));
      return new PowerLoss(lab.powerCut({ members: plan.targets, withStore: kind === 'power-all' }), members);
    }
    default:
      return unreachable(kind);
  }
}

/** The members stay down until the fault heals. */
function killOf(lab: Lab, names: readonly string[]): Kill<Mortal> {
  return new Kill(
    names.map((name) => mortalOf(memberOf(lab, name), () => void memberOf(lab, name).kill())),
    { start: ({ name }) => memberOf(lab, name).start(), words: 'answers again' },
  );
}

function cutOf(
  lab: Lab,
  members: readonly string[],
  { peers, how, isOneWay, isOfClients = false }: Omit<CutShape, 'of' | 'count'> & { readonly isOfClients?: boolean },
): Cut {
  const others = namesOf(lab, peers).filter((name) => !members.includes(name));
  return new Cut(lab.cut({ members, peers: others, how, isOneWay }), { members, isOneWay, isOfClients });
}

/** How long a primary that its peers do not reach serves clients. */
const STRANDED_MS = 8_000;
/** How long an append may be half committed before the first of its brokers is lost, and until the second one is. */
const HALF_MS = 1_500;
const TURN_MS = 20_000;

/** A primary that clients and etcd reach and its peers do not. Then its host is gone, and resets no connection. */
function strand(lab: Lab, names: readonly string[]): FaultAction {
  const [name = ''] = names;
  const kill = (): void => {
    lab.darken(name);
    void memberOf(lab, name).kill();
  };
  const lost = new Kill([mortalOf(memberOf(lab, name), kill)], {
    start: () => {
      lab.lighten(name);
      memberOf(lab, name).start();
    },
    words: 'is there again, and answers',
  });
  return new Sequence([
    { afterMs: 0, action: new Leading(name, (of) => lab.journalsLedBy(of)) },
    { afterMs: 0, action: cutOf(lab, names, { peers: 'broker', how: 'drop', isOneWay: false }) },
    { afterMs: STRANDED_MS, action: lost },
  ]);
}

/**
 * One broker is cut off from its peers, so that appends are half committed by the others. Two of those are lost, a
 * lease after each other: each loss alone leaves enough replicas.
 */
function killInTurn(lab: Lab, names: readonly string[]): FaultAction {
  const [first = '', second = '', third = ''] = names;
  return new Sequence([
    { afterMs: 0, action: cutOf(lab, [third], { peers: 'broker', how: 'drop', isOneWay: false }) },
    { afterMs: HALF_MS, action: killOf(lab, [first]) },
    { afterMs: TURN_MS, action: killOf(lab, [second]) },
  ]);
}

function memberOf(lab: Lab, name: string): LabMember {
  const member = lab.members.find((candidate) => candidate.name === name);
  assert(member !== undefined, `the cluster has a member ${name}`);
  return member;
}

function namesOf(lab: Lab, side: Side): string[] {
  return [...lab.members.map(({ name }) => name), ...lab.clients].filter((name) => name.startsWith(`${side}-`));
}
