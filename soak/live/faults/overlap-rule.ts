/**
 * Which faults may be open together. A fault touches what it hurts: processes, or the links of clients. What its proof
 * and its healing rest on, it needs unhurt. Two faults may overlap when neither touches what the other one touches or
 * needs. Then no probe can take the effect of one fault for that of the other.
 *
 * A process that starts again waits for a broker that is down or stopped, so a kill or a pause needs nothing: its
 * healing only comes later. What a fault needs is data, by family.
 */

import { AUDITOR_LINK } from './relay/relayed-links.ts';
import { LIVE_FAMILIES, type LiveFamily, familyOf } from '../../guarantee/fault-kinds.ts';
import type { PlannedFault } from './planned-fault.ts';

/** The part of the SLA that faults which overlap last together at most, from the first beginning to the last end. */
const TOGETHER_SLA_SHARE = 1 / 2;
/** The most faults that may be open together. With more, there is hardly anything left that one could still touch. */
export const FAULTS_AT_ONCE_MAX: number = 4;

/** `broker`: it serves. `links`: those of the targets are whole. `clients`: the processes at their ends run. */
type Need = 'broker' | 'links' | 'clients';

const NEEDS: Readonly<Record<LiveFamily, readonly Need[]>> = {
  // Proven by the exit of a pid, or by its state in the kernel and its silence.
  kill: [],
  pause: [],
  // A successor claims its shards, and the old owner is told that it was replaced.
  takeover: ['broker', 'links'],
  // A process that is asked to end reports to its broker before it exits with 0.
  restart: ['broker', 'links'],
  upgrade: ['broker', 'links'],
  // The command ends the producer in every journal.
  retire: ['broker', 'links'],
  // Both ends must send bytes for the relay to hurt, and a probe through the link must be answered.
  partition: ['broker', 'clients'],
  // Two faults of a cluster may be more than it promises to survive.
  member: ['broker', 'links'],
  network: ['broker', 'links'],
  powerloss: ['broker', 'links'],
};

type Hit = Pick<PlannedFault, 'kind' | 'targets'>;

/** Symmetric. */
export function mayOverlap(one: Hit, other: Hit): boolean {
  const [touchedByOne, touchedByOther] = [touchedBy(one), touchedBy(other)];
  return (
    isFree(touchedByOne, touchedByOther) &&
    isFree(touchedByOne, neededBy(other)) &&
    isFree(touchedByOther, neededBy(one)) &&
    !(isOfCluster(one) || isOfCluster(other))
  );
}

function isFree(touched: ReadonlySet<string>, things: Iterable<string>): boolean {
  return [...things].every((thing) => !touched.has(thing));
}

function isOfCluster({ kind }: Hit): boolean {
  return !LIVE_FAMILIES.includes(familyOf(kind));
}

function touchedBy({ kind, targets }: Hit): Set<string> {
  return new Set(familyOf(kind) === 'partition' ? targets.map(linkOf) : targets);
}

function neededBy({ kind, targets }: Hit): string[] {
  return NEEDS[familyOf(kind)].flatMap((need) => {
    if (need === 'broker') return targets.includes('broker') ? [] : ['broker'];
    // The auditor is the harness.
    return need === 'links' ? targets.map(linkOf) : targets.filter((name) => name !== AUDITOR_LINK);
  });
}

function linkOf(client: string): string {
  return `link of ${client}`;
}

/** Whether faults that overlap are over soon enough, as planned, for everything to recover within the SLA. */
export function isShortEnough(
  slaMs: number,
  faults: readonly { readonly beginMs: number; readonly lengthMs: number }[],
): boolean {
  const begin = Math.min(...faults.map(({ beginMs }) => beginMs));
  const end = Math.max(...faults.map(({ beginMs, lengthMs }) => beginMs + lengthMs));
  return end - begin <= slaMs * TOGETHER_SLA_SHARE;
}
