/** The story of a violation in words, as named fields for a screen, a report and a document. Pure. */

import type { ViolationKind } from '../../../src/core/errors.ts';
import { formatDuration } from '../../../src/core/units.ts';
import { countOf } from './event-line.ts';
import type { HostDelay, StoryFault, ViolationStory } from './violation-stories.ts';

export type Field = readonly [name: string, text: string];

const FAULTS_SHOWN = 3;
const LATE_SHOWN = 2;
const NAMES_SHOWN = 4;

/** The meaning of each kind, for one file or finding and for several. */
const MEANINGS: Readonly<Record<Exclude<ViolationKind, 'lost' | 'late'> | 'unnamed', readonly [string, string]>> = {
  duplicate: ['something came twice', 'things came twice'],
  phantom: ['a sum or a record is of nothing that was published', 'sums or records are of nothing that was published'],
  mismatched: ['a sum is not that of its file', 'sums are not those of their files'],
  'out-of-order': ['something came out of its order', 'things came out of their order'],
  gap: ['something is missing in between', 'things are missing in between'],
  corrupt: ['something does not verify', 'things do not verify'],
  'state-ahead': ['a stored state is ahead of its offset', 'stored states are ahead of their offsets'],
  'state-behind': ['a stored state is behind its offset', 'stored states are behind their offsets'],
  'stale-writer': ['a summer that was replaced has written', 'summers that were replaced have written'],
  'acknowledged-loss': ['something that was acknowledged is gone', 'things that were acknowledged are gone'],
  leak: ['something is left that should be gone', 'things are left that should be gone'],
  unnamed: ['a process exited as for a violation and did not say which', 'processes did not say which guarantee broke'],
};

/** The kind and what it means, in one sentence: `late: 19 sums came later than the SLA of 500 ms`. */
export function storyTitle({ kinds, slaMs, example }: ViolationStory): string {
  const sla = slaMs === null ? '' : ` the SLA of ${formatDuration(slaMs)}`;
  const late = kinds.get('late') ?? 0;
  const lost = kinds.get('lost') ?? 0;
  if (late > 0) {
    const others = lost === 0 ? '' : `, and ${countOf(lost, 'file')} had no sum yet when the run ended`;
    return sla === '' ? `late: ${example.detail}` : `late: ${countOf(late, 'sum')} came later than${sla}${others}`;
  }
  if (lost > 0) return `lost: ${countOf(lost, 'file')} had no sum${sla === '' ? ' at the end' : ` within${sla}`}`;
  const [kind, count] = [example.kind, kinds.get(example.kind) ?? 1];
  const [one, many] = MEANINGS[kind as keyof typeof MEANINGS];
  return `${kind}: ${count === 1 ? one : `${count} ${many}`}`;
}

/** What was going on, field by field. `atS`: writes a time of the run. */
export function storyFields(story: ViolationStory, startNs: number): Field[] {
  const at = (ns: number): string => `${((ns - startNs) / 1e9).toFixed(2)} s`;
  const { fromNs, toNs, firstFoundNs, finders, holders, host, slaMs } = story;
  const found = `first found at ${at(firstFoundNs)} by ${listed(finders.map(finderText))}`;
  const held = [...holders].map(([name, partitions]) => `${name} held ${numbered(partitions)}`);
  const machine = machineText(story);
  return [
    ['when', fromNs === toNs ? found : `from ${at(fromNs)} to ${at(toNs)} of the run, ${found}`],
    ['meanwhile', faultsText(story, at)],
    ...(held.length === 0 ? [] : [['shards', held.join(', ')] as const]),
    ...(slaMs !== null || host.count > 0 ? [['machine', machine] as const] : []),
    ['example', exampleText(story)],
  ];
}

/** Processes go by their names; checkers are called checkers. */
function finderText(name: string): string {
  return /^(?:broker|audit|auditor|soak|(?:summer|chunker)-[\d.]+)$/.test(name) ? name : `the checker ${name}`;
}

function exampleText({ example }: ViolationStory): string {
  const { process, file, partition, journal, offset, index, detail } = example;
  const place = [
    ...(partition === null ? [] : [`partition ${partition}`]),
    ...(journal === undefined || partitionNamed(journal) ? [] : [`journal ${journal}`]),
    ...(offset === undefined ? [] : [`offset ${offset}`]),
    ...(index === undefined ? [] : [`record ${index}`]),
  ];
  const where = place.length === 0 ? '' : ` (${place.join(', ')})`;
  return `${file === undefined ? process : `file ${file}`}${where}: ${detail}`;
}

function partitionNamed(journal: string): boolean {
  return journal.startsWith('chunks of partition ');
}

function faultsText({ faults, firstFoundNs, toNs }: ViolationStory, at: (ns: number) => string): string {
  const open = faults.filter(({ when }) => when === 'open');
  const [first] = open;
  if (first !== undefined && open.length === 1) {
    const text = faultText(first, at);
    const { fromNs, untilNs, recoveredNs } = first;
    if (fromNs > firstFoundNs || untilNs < toNs) return `some of it was found while ${text}`;
    const end = recoveredNs === null ? ' until the run ended' : '';
    return `all of it was found in the ${formatDuration((untilNs - fromNs) / 1e6)}${end} in which ${text}`;
  }
  const told = open.length > 0 ? open : faults;
  if (told.length === 0) return 'no fault was open, and none had just ended';
  const more = told.length - FAULTS_SHOWN;
  const shown = told.slice(0, FAULTS_SHOWN).map((fault) => faultText(fault, at));
  return [...shown, ...(more > 0 ? [`and ${countOf(more, 'more fault')} in faults.csv`] : [])].join('; ');
}

function faultText(fault: StoryFault, at: (ns: number) => string): string {
  const { id, kind, target, fromNs, healedNs, recoveredNs, when } = fault;
  const state = when === 'open' ? 'was open' : 'had just ended';
  const healed = healedNs === null ? 'not healed' : `healed at ${at(healedNs)}`;
  const recovered = recoveredNs === null ? 'not recovered' : `recovered at ${at(recoveredNs)}`;
  return `fault ${id} ${state}: ${kind} of ${target}, from ${at(fromNs)}, ${healed}, ${recovered}`;
}

function machineText({ host, slaMs, late }: ViolationStory): string {
  const loops = late
    .slice(0, LATE_SHOWN)
    .map(
      ({ process, fromNs, toNs }) =>
        `the event loop of ${process} was late by ${formatDuration((toNs - fromNs) / 1e6)}`,
    );
  return [hostText(host, slaMs), ...loops].join('; ');
}

/** Whether the machine as a whole was late, judged by the delays of the harness. */
export function hostText({ count, totalNs, longestNs }: HostDelay, slaMs: number | null): string {
  if (count === 0) return 'the harness itself was never 200 ms late then: the machine had time';
  const beyond = slaMs !== null && totalNs >= slaMs * 1e6 ? ', longer than the SLA' : '';
  const often = count === 1 ? '' : `, ${countOf(count, 'time')}, up to ${formatDuration(longestNs / 1e6)}`;
  const waited = formatDuration(totalNs / 1e6);
  return `the harness itself had to wait for ${waited}${beyond}${often}: the whole host was late`;
}

/** `partition 3`, `partitions 0, 3 and 6`. */
function numbered(partitions: readonly number[]): string {
  return `${partitions.length === 1 ? 'partition' : 'partitions'} ${partitions.join(' ')}`;
}

/** `a`, `a and b`, `a, b, c and 4 others`. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_SHOWN);
  const more = names.length - shown.length;
  const all = more > 0 ? [...shown, `${more} others`] : shown;
  return all.length < 2 ? (all[0] ?? '') : `${all.slice(0, -1).join(', ')} and ${all.at(-1)}`;
}
