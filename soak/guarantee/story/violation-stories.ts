/**
 * Groups violations into stories, one for each cause: violations of about the same time that say the same are one
 * story, with what else was going on in that time. Pure.
 *
 * A file is in one story, once. If a chunker gave it up (`lost`) and its sum came after all (`late`), that is one
 * violation named `late`. Both kinds together are one story: sums that did not come within the SLA.
 */

import type { Lateness, OpenedFault, StoryFacts } from './story-facts.ts';
import { HARNESS } from './story-facts.ts';
import type { Finding } from '../violation.ts';

/** The longest time between findings of one story. */
const APART_NS_MAX = 2e9;
/** A fault that recovered this shortly before is mentioned too. */
const JUST_ENDED_NS = 2e9;

export type StoryFault = OpenedFault & {
  readonly when: 'open' | 'just ended';
  /** The time of its recovery, or the end of the run. */
  readonly untilNs: number;
};

/** How late the harness itself was during a story. */
export type HostDelay = {
  readonly count: number;
  readonly totalNs: number;
  readonly longestNs: number;
};

/** One violation of a story, with the kind that it counts as. */
export type ToldViolation = Finding & {
  readonly partition: number | null;
  /** How long the file had waited for its sum when this was found; null: the violation is not about waiting. */
  readonly waitedNs: number | null;
};

export type ViolationStory = {
  /** By kind, the number of files, or of findings that name no file. The first kind is that of the example. */
  readonly kinds: ReadonlyMap<Finding['kind'], number>;
  /** How many files the violations name, each counted once. */
  readonly fileCount: number;
  /** The time that the story covers, including the waiting. */
  readonly fromNs: number;
  readonly toNs: number;
  readonly firstFoundNs: number;
  /** The processes and checkers that found it. */
  readonly finders: readonly string[];
  readonly partitions: readonly number[];
  /** By summer, those of these partitions that it owned. */
  readonly holders: ReadonlyMap<string, readonly number[]>;
  readonly faults: readonly StoryFault[];
  /** Milliseconds; null: the story is not about time. */
  readonly slaMs: number | null;
  readonly host: HostDelay;
  /** Other processes whose event loop was late then, the longest delay first. */
  readonly late: readonly Lateness[];
  readonly example: ToldViolation;
};

/** In the order in which the first violation of each was found. */
export function storiesOf(facts: StoryFacts): ViolationStory[] {
  const episodes: Episode[] = [];
  for (const finding of facts.findings) {
    const told = toldOf(facts, finding);
    const topic = topicOf(told);
    const fromNs = told.atNs - (told.waitedNs ?? 0);
    const same = episodes.find((episode) => episode.topic === topic && isNear(episode, fromNs, told));
    if (same === undefined) {
      episodes.push({ topic, fromNs, toNs: told.atNs, violations: [told] });
    } else {
      same.violations.push(told);
      same.fromNs = Math.min(same.fromNs, fromNs);
      same.toNs = Math.max(same.toNs, told.atNs);
    }
  }
  return episodes.map((episode) => storyOf(facts, episode));
}

type Episode = {
  readonly topic: string;
  fromNs: number;
  toNs: number;
  readonly violations: ToldViolation[];
};

function isNear(episode: Episode, fromNs: number, told: ToldViolation): boolean {
  if (told.file !== undefined && episode.violations.some(({ file }) => file === told.file)) return true;
  return fromNs <= episode.toNs + APART_NS_MAX && told.atNs >= episode.fromNs - APART_NS_MAX;
}

const TIME = 'time';

/** The topic of a violation. Violations of one topic may be one story. */
function topicOf({ kind }: ToldViolation): string {
  return kind === 'lost' || kind === 'late' ? TIME : kind;
}

/** `late` and `lost` say how long the file had waited. */
const WAITED = /\b(?<seconds>\d+\.\d+) s after the end of (?:the|its) file was acknowledged/;

function toldOf(facts: StoryFacts, finding: Finding): ToldViolation {
  const seconds = WAITED.exec(finding.detail)?.groups?.['seconds'];
  const waitedNs = seconds === undefined ? null : Number(seconds) * 1e9;
  return { ...finding, partition: facts.partitionOf(finding), waitedNs };
}

function storyOf(facts: StoryFacts, { topic, fromNs, toNs, violations }: Episode): ViolationStory {
  const counted = onceEach(violations);
  const example = exampleOf(counted);
  const kinds = new Map<Finding['kind'], number>([[example.kind, 0]]);
  for (const { kind } of counted) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  const partitions = sorted(counted.flatMap(({ partition }) => partition ?? []));
  return {
    kinds,
    fileCount: counted.filter(({ file }) => file !== undefined).length,
    fromNs,
    toNs,
    firstFoundNs: Math.min(...violations.map(({ atNs }) => atNs)),
    finders: [...new Set(violations.map(({ process }) => process))],
    partitions,
    holders: holdersOf(facts, partitions, fromNs, toNs),
    faults: faultsAt(facts, fromNs, toNs),
    slaMs: topic === TIME && counted.some(({ waitedNs }) => waitedNs !== null) ? facts.slaMs : null,
    host: hostDelay(facts.latenesses, fromNs, toNs),
    late: longestOf(facts.latenesses, fromNs, toNs),
    example,
  };
}

/** Each file once, by the latest finding about it. Findings without a file count as often as they differ. */
function onceEach(violations: readonly ToldViolation[]): ToldViolation[] {
  const once = new Map<string, ToldViolation>();
  for (const violation of violations) {
    const { file, journal, offset, index, kind, detail } = violation;
    const key = file ?? [kind, journal, offset, index, detail].join(' ');
    const known = once.get(key);
    // The sum came, so it is no longer true that it was given up.
    if (known === undefined || (known.kind === 'lost' && kind === 'late')) once.set(key, violation);
  }
  return [...once.values()];
}

/**
 * The file that waited longest for a sum that never came or came too late; otherwise the first violation that names a
 * file.
 */
function exampleOf(counted: readonly ToldViolation[]): ToldViolation {
  const withFile = counted.filter(({ file }) => file !== undefined);
  const waited = withFile.filter(({ waitedNs }) => waitedNs !== null);
  const [longest] = waited.toSorted((one, other) => (other.waitedNs ?? 0) - (one.waitedNs ?? 0));
  const example = longest ?? withFile[0] ?? counted[0];
  if (example === undefined) throw new TypeError('a story has a violation');
  return example;
}

function holdersOf(
  facts: StoryFacts,
  partitions: readonly number[],
  fromNs: number,
  toNs: number,
): Map<string, readonly number[]> {
  const holders = new Map<string, number[]>();
  for (const partition of partitions) {
    for (const process of facts.holdersOf(partition, fromNs, toNs)) {
      const known = holders.get(process);
      if (known === undefined) holders.set(process, [partition]);
      else known.push(partition);
    }
  }
  return new Map([...holders].toSorted(([one], [other]) => inNumbers.compare(one, other)));
}

const inNumbers = new Intl.Collator('en', { numeric: true });

function faultsAt({ faults, endNs }: StoryFacts, fromNs: number, toNs: number): StoryFault[] {
  return faults.flatMap((fault) => {
    const untilNs = fault.recoveredNs ?? fault.missedNs ?? endNs;
    if (fault.fromNs > toNs || untilNs < fromNs - JUST_ENDED_NS) return [];
    return [{ ...fault, untilNs, when: untilNs < fromNs ? ('just ended' as const) : ('open' as const) }];
  });
}

/** The delays in which the harness was kept waiting, without those in which it was busy itself. */
export function hostDelay(latenesses: readonly Lateness[], fromNs: number, toNs: number): HostDelay {
  const spans = latenesses.filter(({ process }) => process === HARNESS).map((late) => waitedIn(late, fromNs, toNs));
  const waits = spans.filter((ns) => ns > 0);
  return {
    count: waits.length,
    totalNs: waits.reduce((sum, ns) => sum + ns, 0),
    longestNs: Math.max(0, ...waits),
  };
}

function waitedIn(late: Lateness, fromNs: number, toNs: number): number {
  const within = Math.min(late.toNs, toNs) - Math.max(late.fromNs, fromNs);
  const share = within / Math.max(1, late.toNs - late.fromNs);
  return within - share * (late.cpuNs ?? 0);
}

function longestOf(latenesses: readonly Lateness[], fromNs: number, toNs: number): Lateness[] {
  const longest = new Map<string, Lateness>();
  for (const late of latenesses) {
    if (late.process === HARNESS || late.toNs < fromNs || late.fromNs > toNs) continue;
    const known = longest.get(late.process);
    if (known === undefined || late.toNs - late.fromNs > known.toNs - known.fromNs) longest.set(late.process, late);
  }
  return [...longest.values()].toSorted((one, other) => other.toNs - other.fromNs - (one.toNs - one.fromNs));
}

function sorted(numbers: readonly number[]): number[] {
  return [...new Set(numbers)].toSorted((one, other) => one - other);
}
