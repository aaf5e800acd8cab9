/** The only switch from a fault as data to the action that does it. */

import { unreachable } from '../../../../src/core/assert.ts';
import type { PlannedFault } from '../planned-fault.ts';
import type { ClusterKind } from '../cluster/cuts.ts';
import type { FaultAction } from './action.ts';
import { Exchange } from './exchange.ts';
import { Kill } from './kill.ts';
import { Pause } from './pause.ts';
import { Restart } from './restart.ts';
import { Retire } from './retire.ts';
import { Takeover } from './takeover.ts';
import type { FaultTarget, Handover, Retirement } from './target.ts';

/** What actions need in addition to their targets. */
export type ActionSurroundings = {
  /** Chooses the successor of a summer. */
  handover(target: FaultTarget): Handover;
  /** `times`: how often the command that retires a chunker is run. */
  retirement(target: FaultTarget, times: number): Retirement;
  /** A fault of the relay on the links of these clients. */
  partition(plan: PlannedFault): FaultAction;
  /** A fault of a cluster. */
  cluster(kind: ClusterKind, plan: PlannedFault, targets: readonly FaultTarget[]): FaultAction;
};

/** The targets are those of the plan, in its order. */
export function makeAction(
  plan: PlannedFault,
  targets: readonly FaultTarget[],
  surroundings: ActionSurroundings,
): FaultAction {
  const only = (): FaultTarget => {
    const [target] = targets;
    if (target === undefined) throw new TypeError(`the fault ${plan.id} (${plan.kind}) has no target`);
    return target;
  };
  const takeover = (old: 'running' | 'paused' | 'dead', isElsewhere = false): FaultAction =>
    new Takeover(only(), { old, handover: surroundings.handover(only()), isElsewhere });
  switch (plan.kind) {
    case 'kill-broker':
    case 'kill-summer':
    case 'kill-two-summers':
    case 'kill-all-summers':
    case 'kill-chunker':
    case 'kill-everything':
      return new Kill(targets);
    case 'pause-broker':
    case 'pause-summer':
    case 'pause-chunker':
    case 'pause-everything':
      return new Pause(targets, plan);
    case 'restart-each':
      return new Restart(targets, { rolling: true });
    case 'restart-all':
      return new Restart(targets, { rolling: false });
    case 'upgrade-broker':
    case 'upgrade-summer':
    case 'upgrade-chunker':
      return new Exchange(targets, 'newer');
    case 'downgrade-broker':
    case 'downgrade-summer':
    case 'downgrade-chunker':
      return new Exchange(targets, 'older');
    case 'retire-chunker':
      return new Retire(only(), surroundings.retirement(only(), 1));
    case 'retire-chunker-twice':
      return new Retire(only(), surroundings.retirement(only(), 2));
    case 'takeover-running':
      return takeover('running');
    case 'takeover-paused':
      return takeover('paused');
    case 'takeover-dead':
      return takeover('dead');
    case 'takeover-elsewhere':
      return takeover('paused', true);
    case 'partition-refuse':
    case 'partition-drop':
    case 'partition-drop-one-way':
    case 'partition-stall':
    case 'partition-reset':
    case 'partition-delay':
    case 'partition-throttle':
    case 'partition-slice':
      return surroundings.partition(plan);
    case 'member-kill-etcd':
    case 'member-kill-broker':
    case 'member-kill-two-brokers':
    case 'member-kill-all-brokers':
    case 'member-restart-brokers':
    case 'member-pause-broker':
    case 'member-strand-broker':
    case 'member-kill-in-turn':
    case 'member-kill-appending':
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
    case 'power-broker':
    case 'power-two-brokers':
    case 'power-etcd':
    case 'power-two-etcd':
    case 'power-all':
      return surroundings.cluster(plan.kind, plan, targets);
    default:
      return unreachable(plan.kind);
  }
}
