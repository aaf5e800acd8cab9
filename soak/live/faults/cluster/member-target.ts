/** A member of a cluster as a target of faults. */

import { processState } from '../../../../src/fleet/process-usage.ts';
import type { FaultTarget } from '../actions/target.ts';
import type { LabMember } from './lab.ts';

export function memberTarget(member: LabMember): FaultTarget {
  return {
    name: member.name,
    // Every partition may depend on it.
    partitions: [],
    get pid() {
      return member.pid;
    },
    get ready() {
      return member.isReady;
    },
    get state() {
      return member.pid === null ? null : processState(member.pid);
    },
    moments: () => null,
    kill: () => void member.kill(),
    restart: () => member.restart(),
    // It ends with this process, whatever its state is.
    pause: () => member.pause(),
    resume: () => member.resume(),
    send: () => void member.ask(),
    build: null,
    lastLine: '',
    exchange: () => undefined,
  };
}
