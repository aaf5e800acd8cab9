/** What each fault of a cluster does to its members, or to their network: the kinds `member-`, `network-` and `power-`. */

import { assert, unreachable } from '../../../../src/core/assert.ts';
import type { FaultAction } from '../actions/action.ts';
import { Kill } from '../actions/kill.ts';
import { Pause } from '../actions/pause.ts';
import { Restart } from '../actions/restart.ts';
import type { FaultTarget } from '../actions/target.ts';
import type { PlannedFault } from '../planned-fault.ts';
import { type ClusterKind, CUTS, type Side } from './cuts.ts';
import { Cut } from './cut.ts';
import type { Lab, LabMember } from './lab.ts';
import { PowerLoss } from './power-loss.ts';

export function clusterAction(
  kind: ClusterKind,
  { plan, targets, lab }: { readonly plan: PlannedFault; readonly targets: readonly FaultTarget[]; readonly lab: Lab },
): FaultAction {
  switch (kind) {
    case 'member-kill-etcd':
    case 'member-kill-broker':
    case 'member-kill-two-brokers':
    case 'member-kill-all-brokers':
      return new Kill(targets, { start: ({ name }) => memberOf(lab, name).start(), words: 'answers again' });
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
    case 'network-summer-brokers': {
      const { peers, how, isOneWay } = CUTS[kind];
      const members = plan.targets;
      const others = namesOf(lab, peers).filter((name) => !members.includes(name));
      return new Cut(lab.cut({ members, peers: others, how, isOneWay }), { members, isOneWay });
    }
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

function memberOf(lab: Lab, name: string): LabMember {
  const member = lab.members.find((candidate) => candidate.name === name);
  assert(member !== undefined, `the cluster has a member ${name}`);
  return member;
}

function namesOf(lab: Lab, side: Side): string[] {
  return [...lab.members.map(({ name }) => name), ...lab.clients].filter((name) => name.startsWith(`${side}-`));
}
