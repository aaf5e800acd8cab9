/** One event of a history as a plain line, and its cause. Pure. */

import { unreachable } from '../../../src/core/assert.ts';
import { formatCount } from '../../../src/core/units.ts';
import type { Cause } from '../history-log.ts';
import type { LoggedBatch, LoggedCheckpoint, LoggedEvent } from '../logged-event.ts';
import type { Told } from './chronicle.ts';
import { violationLine } from '../violation.ts';

/** `nameOf`: the name of a producer, which events name by its id. */
export type NameOf = (producer: string) => string;

type Lines = { readonly [Name in LoggedEvent['event']]?: (event: Told<Name>, nameOf: NameOf) => string };

const LINES: Lines = {
  run: (event) =>
    `the run begins: seed ${event.seed}, ${event.partitions} partitions, sums due in ${event.slaMs / 1e3} s`,
  phase: (event) => `the phase ${event.phase} begins`,
  started: (event) => `${event.process} is started`,
  ready: (event) => `${event.process} is ready`,
  ended: (event) =>
    event.exitCode === null ? `${event.process} is killed` : `${event.process} exits ${event.exitCode}`,
  fault: (event) => `fault ${event.id} is injected: ${event.kind} of ${event.target}`,
  'fault-effective': (event) => `fault ${event.id} is known to have hit: ${event.kind} of ${event.target}`,
  producer: (event) => `${event.process} publishes as producer ${event.producer}`,
  ending: (event, nameOf) => `${nameOf(event.producer)} decides to open no file from step ${event.endStep} on`,
  acknowledged: ({ producer, partition, through }, nameOf) =>
    `${nameOf(producer)} is told that its records below ${through} of partition ${partition} are durable`,
  completed: (event, nameOf) =>
    `${nameOf(event.producer)} has generated the end of its file ${event.fileNumber}, record ${event.endIndex}`,
  verified: (event, nameOf) => `${nameOf(event.producer)} has verified the sum of its file ${event.fileNumber}`,
  'verified-files': (event, nameOf) =>
    `${nameOf(event.producer)} says that ${countOf(event.files, 'more file')} of it are verified`,
  drained: (event) =>
    `${event.process} has drained: ${event.verifiedTotal} of ${event.filesCompletedTotal} completed files are verified`,
  batch: (event, nameOf) => batchLine(event, nameOf),
  unread: (event) => `${event.journal} was trimmed unread from ${event.from} to ${event.to}`,
  trimmed: (event) => `${event.journal} is trimmed up to ${event.begin}; up to ${event.needed} nothing needs it`,
  head: (event) => `${event.journal} ends at ${event.offset}`,
  raised: (event) => `${event.process} has ${event.event} shard ${event.shard} with epoch ${event.epoch}`,
  confirmed: (event) => `${event.process} has ${event.event} shard ${event.shard} with epoch ${event.epoch}`,
  checkpoint: (event) => checkpointLine(event),
  violation: (event) => violationLine(event).replace(': ', ' finds a violation: '),
  found: (event) => violationLine(event).replace(': ', ' finds in the history: '),
  said: ({ process, said }) => `${process} says ${said.event}`,
  flowed: ({ phase, chunksPublished, sumsVerified }) =>
    `in the phase ${phase} ${countOf(chunksPublished, 'chunk')} and ${countOf(sumsVerified, 'sum')} flowed`,
  'fault-healed': ({ id, kind, target }) => `fault ${id} has healed: ${kind} of ${target}`,
  'fault-missed': ({ id, kind, target }) => `fault ${id} was never seen to hit, and is given up: ${kind} of ${target}`,
  'fault-recovered': ({ id, kind, target }) => `fault ${id} has recovered: ${kind} of ${target}`,
  retired: ({ process, producer }) => `${process}, producer ${producer}, is dead for good, and has ended everywhere`,
  failed: ({ process, what }) => `${process} failed: ${what}`,
  crashed: ({ process, what }) => `${process} crashed: ${what}`,
  interrupted: ({ how }) => `the user ends the run: ${how}`,
  halted: () => 'the run is ended early',
  'own-delay': ({ atNs, fromNs, cpuNs }) =>
    `the harness itself did not run for ${((atNs - fromNs) / 1e9).toFixed(3)} s, but for ${(cpuNs / 1e9).toFixed(3)} s`,
  unfollowed: ({ reason }) => `the journals are not followed from here on: ${reason}`,
  audited: ({ error }) => (error === undefined ? 'the end was audited' : `the end could not be audited: ${error}`),
  doubt: ({ reason }) => `a doubt: ${reason}`,
  end: () => 'the history ends',
};

export function lineOf(event: LoggedEvent, nameOf: NameOf): string {
  const line = LINES[event.event] as ((event: LoggedEvent, nameOf: NameOf) => string) | undefined;
  return line?.(event, nameOf) ?? plainLine(event);
}

/** An event without words here: its name, and its fields as they are. */
function plainLine(event: LoggedEvent): string {
  const texts = Object.entries(event)
    .filter(([name]) => !['n', 'atNs', 'cause', 'event'].includes(name))
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return [event.event, ...texts].join(', ');
}

/** Why an event happened, without the events before it. */
export function causeText({ kind, process = 'somebody', what }: Cause): string {
  switch (kind) {
    case 'message':
      return `a message (${what ?? 'of an unknown type'}) of ${process} arrived`;
    case 'timer':
      return `a timer of ${process} was due`;
    case 'fault':
      return what ?? 'a fault';
    case 'start':
      return `${process} was started`;
    case 'signal':
      return `${process} was sent ${what ?? 'a signal'}`;
    default:
      return unreachable(kind);
  }
}

function batchLine(event: LoggedBatch, nameOf: NameOf): string {
  const { journal, begin, producer, index, count, epoch, fault, files = [] } = event;
  const place = `${journal} at ${begin}`;
  if (fault !== undefined || producer === undefined) return `${place}: no sound batch: ${fault ?? 'unknown'}`;
  const records = recordsText(index ?? 0, count ?? 0);
  const sums = files.length === 0 ? '' : `, the sums of ${countOf(files.length, 'file')}`;
  return `${place}: ${records} of ${nameOf(producer)}${epoch === undefined ? '' : `, epoch ${epoch}`}${sums}`;
}

/** Records of a batch: `record 7`, `records 7 to 12`. */
export function recordsText(index: number, count: number): string {
  if (count === 0) return 'no record';
  return count === 1 ? `record ${index}` : `records ${index} to ${index + count - 1}`;
}

const MOMENTS: Readonly<Record<LoggedCheckpoint['moment'], string>> = {
  claim: 'right after its claim',
  restart: 'before it is started again',
  end: 'at the end',
};

function checkpointLine(event: LoggedCheckpoint): string {
  const { process, shard, moment, offset, nextSum, openFileCount, unpublishedCount } = event;
  return (
    `the store of ${process}, ${MOMENTS[moment]}: shard ${shard} is folded up to ${offset}, ` +
    `its next sum is ${nextSum}, ` +
    `${countOf(openFileCount, 'file')} open, ${countOf(unpublishedCount, 'sum')} unpublished`
  );
}

/** `1 file`, `2,310 files`. */
export function countOf(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}
