/**
 * Advice on the reasons of a run that shows nothing. Like reasons are told together, each group with its advice. A
 * reason that only follows from an interruption gets no advice. Pure.
 */

import { formatDuration } from '../../../src/core/units.ts';
import { countOf } from './event-line.ts';

export type AdviceFacts = {
  readonly durationMs: number;
  readonly rate: number | 'max';
  /** How long the machine kept the harness waiting in all, and at most at once; 0: it never did. */
  readonly waitedNs: number;
  readonly waitedNsMax: number;
};

export type ReasonGroup = {
  readonly reasons: readonly string[];
  /** Null: the advice of the group before is for this one too. */
  readonly advice: string | null;
};

type Topic = 'interrupted' | 'faults' | 'flow' | 'journals' | 'process' | 'written' | 'harness';

const TOPICS: readonly (readonly [Topic, RegExp])[] = [
  ['interrupted', /^interrupted |^stopped by the user|^the run was ended early/],
  ['written', /^cannot write |^there is no room for /],
  // A reason may also begin with the name of the checker that has it.
  ['process', /^(?:(?:broker|summer|chunker|etcd)(?:-[\d.]+)?|soak|relay|pauser): |^ {2}[\w.-]+'s log: /],
  ['process', /did not (?:stop|drain|end by itself)|cannot start|otherwise the guarantee held/],
  ['process', /did not report to the end|exited with \d+, and nothing|was ended by a signal|was replaced \d+ times/],
  [
    'journals',
    /journals were not followed|the audit could not be made|sums? (?:was|of partition \d+ were|were not) timed/,
  ],
  ['faults', /\bfaults?\b/],
  [
    'flow',
    /\bflowed in the phase|no phase was finished|no sums? (?:was|were) verified|completed no file|and verified \d+$/,
  ],
];

/** Topics that follow from an interruption. */
const FOLLOWS = new Set<Topic>(['faults', 'flow']);
const KINDS_SHOWN = 4;

/** In the order of the reasons. After an interruption its own reasons come first. */
export function adviceOn(reasons: readonly string[], facts: AdviceFacts): ReasonGroup[] {
  const topics = reasons.map(topicOf);
  const isInterrupted = topics.includes('interrupted');
  const groups = new Map<Topic, string[]>();
  for (const [index, reason] of reasons.entries()) {
    const topic = topics[index] ?? 'harness';
    const known = groups.get(topic);
    if (known === undefined) groups.set(topic, [reason]);
    else known.push(reason);
  }
  return [...groups].map(([topic, all]) => ({
    reasons: together(all),
    advice: isInterrupted && FOLLOWS.has(topic) ? null : adviceFor(topic, all, facts),
  }));
}

function topicOf(reason: string): Topic {
  return TOPICS.find(([, pattern]) => pattern.test(reason))?.[0] ?? 'harness';
}

const NEVER_INJECTED = /^the fault (?<kind>[\w-]+) was asked for and never injected$/;
const NEVER_HIT = /^the fault (?<kind>[\w-]+) never took effect$/;

/** Reasons that differ only in the kind of fault are one. */
function together(reasons: readonly string[]): string[] {
  const others = reasons.filter((reason) => !NEVER_INJECTED.test(reason) && !NEVER_HIT.test(reason));
  return [
    ...others,
    ...kindsIn(reasons, NEVER_INJECTED, 'was asked for and never injected', 'were asked for and never injected'),
    ...kindsIn(reasons, NEVER_HIT, 'never took effect', 'never took effect'),
  ];
}

function kindsIn(reasons: readonly string[], pattern: RegExp, one: string, many: string): string[] {
  const kinds = reasons.flatMap((reason) => pattern.exec(reason)?.groups?.['kind'] ?? []);
  const [kind] = kinds;
  if (kind === undefined) return [];
  if (kinds.length === 1) return [`the fault ${kind} ${one}`];
  const more = kinds.length - KINDS_SHOWN;
  const shown = kinds.slice(0, KINDS_SHOWN).join(', ');
  return [`${kinds.length} kinds of faults ${many}: ${shown}${more > 0 ? ` and ${more} more` : ''}`];
}

/** From this delay on, the machine is blamed. */
const BUSY_NS = 1e9;

function adviceFor(topic: Topic, reasons: readonly string[], facts: AdviceFacts): string {
  const { durationMs, rate } = facts;
  const longer = `--duration ${durationFlag(2 * durationMs)}`;
  const lower = rate === 'max' || rate < 2 ? 'a lower --rate' : `--rate ${Math.floor(rate / 2)}`;
  switch (topic) {
    case 'interrupted':
      return `let it run to its end: --duration ${durationFlag(durationMs)} and the drain; or ask for less`;
    case 'faults':
      return `${busy(facts)}ask for ${longer}, or for fewer --faults`;
    case 'flow':
      return `${busy(facts)}ask for ${lower} or ${longer}, and read logs/ for what the processes waited for`;
    case 'journals':
      return `${busy(facts)}ask for ${lower}, or for --audit end, which checks less`;
    case 'process':
      return `read the last lines of ${logsOf(reasons)}`;
    case 'written':
      return 'make room, or name another folder by --results';
    case 'harness':
      return `${busy(facts)}ask for ${longer}; \`explain\` tells what happened`;
    default:
      return topic satisfies never;
  }
}

function busy({ waitedNs, waitedNsMax }: AdviceFacts): string {
  if (waitedNs < BUSY_NS) return '';
  const [all, most] = [formatDuration(waitedNs / 1e6), formatDuration(waitedNsMax / 1e6)];
  return `the machine was busy: the harness itself had to wait for ${all}, up to ${most}; use a quieter one, or `;
}

function logsOf(reasons: readonly string[]): string {
  const names = reasons.flatMap(
    (reason) => /^(?<name>[a-z]+(?:-\d+(?:\.\d+)?)?)(?:: | did | was | exited )/.exec(reason)?.groups?.['name'] ?? [],
  );
  const [first, ...others] = new Set(names);
  if (first === undefined) return 'logs/';
  return others.length === 0
    ? `logs/${first}.log`
    : `logs/${first}.log, and of ${countOf(others.length, 'other')} there`;
}

/** As it would be typed: `90s`, `2m`, `3h`. */
export function durationFlag(ms: number): string {
  for (const [unit, unitMs] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
  ] as const) {
    if (ms >= unitMs && ms % unitMs === 0) return `${ms / unitMs}${unit}`;
  }
  return `${Math.round(ms)}ms`;
}
