/**
 * The verdict as JUnit XML, for CI (`--junit`): a case for the guarantee, for each kind of fault and for each
 * expectation. A broken guarantee is a `failure`, a missing proof is an `error`, a kind that was not due is `skipped`.
 * Pure.
 */

import { formatCount } from '../../src/core/units.ts';
import { kindsOf } from '../guarantee/fault-kinds.ts';
import { storyFields, storyTitle } from '../guarantee/story/story-lines.ts';
import type { ToldRun } from './summary.ts';

type Outcome = { readonly element: 'failure' | 'error' | 'skipped'; readonly message: string; readonly text?: string };

type Case = {
  readonly group: string;
  readonly name: string;
  readonly seconds?: number;
  readonly outcome: Outcome | null;
};

export function junitXml(run: ToldRun): string {
  const cases = [guaranteeCase(run), ...faultCases(run), ...expectationCases(run)];
  const count = (element: Outcome['element']): number =>
    cases.filter(({ outcome }) => outcome?.element === element).length;
  const counts =
    `tests="${cases.length}" failures="${count('failure')}" errors="${count('error')}" ` +
    `skipped="${count('skipped')}" time="${(run.elapsedMs / 1e3).toFixed(3)}"`;
  const properties = [
    ['verdict', run.verdict.verdict],
    ['exitCode', String(run.exitCode)],
    ['seed', String(run.options.seed)],
    ['folder', run.folder],
    ['command', run.command.join(' ')],
  ].map(([name = '', value = '']) => `      <property name="${escaped(name)}" value="${escaped(value)}"/>`);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="stream-sum" ${counts}>`,
    `  <testsuite name="stream-sum soak" ${counts} timestamp="${escaped(run.run.startedAt.replace(/\.\d+Z$/, ''))}">`,
    '    <properties>',
    ...properties,
    '    </properties>',
    ...cases.flatMap(caseLines),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function caseLines({ group, name, seconds, outcome }: Case): string[] {
  const time = seconds === undefined ? '' : ` time="${seconds.toFixed(3)}"`;
  const head = `    <testcase classname="${escaped(group)}" name="${escaped(name)}"${time}`;
  if (outcome === null) return [`${head}/>`];
  const { element, message, text } = outcome;
  const type = element === 'skipped' ? '' : ` type="${element}"`;
  const open = `      <${element} message="${escaped(message)}"${type}`;
  // Between tags a line feed is one.
  const lines = text === undefined ? null : escaped(text).replaceAll('&#10;', '\n');
  const inner = lines === null ? `${open}/>` : `${open}>${lines}</${element}>`;
  return [`${head}>`, inner, '    </testcase>'];
}

function guaranteeCase(run: ToldRun): Case {
  return { group: 'soak', name: 'the guarantee', seconds: run.elapsedMs / 1e3, outcome: guaranteeOutcome(run) };
}

function guaranteeOutcome({ verdict, stories, startNs }: ToldRun): Outcome | null {
  const { verdict: word, reasons } = verdict;
  switch (word) {
    case 'HOLDS':
      return null;
    case 'VIOLATED': {
      const [first] = stories;
      const told = stories.map((story) =>
        [storyTitle(story), ...storyFields(story, startNs).map(([name, text]) => `  ${name}: ${text}`)].join('\n'),
      );
      const message = first === undefined ? (reasons[0] ?? 'a guarantee broke') : storyTitle(first);
      return { element: 'failure', message: `VIOLATED ${message}`, text: [...told, ...reasons].join('\n') };
    }
    case 'INCONCLUSIVE':
      return { element: 'error', message: `INCONCLUSIVE ${reasons[0] ?? ''}`, text: reasons.join('\n') };
    default:
      return word satisfies never;
  }
}

function faultCases({ options, faults, recovery, verdict, scheduled }: ToldRun): Case[] {
  const isBroken = verdict.verdict === 'VIOLATED';
  return kindsOf(options.faults, options).map((kind) => {
    const { injected, proven, recovered } = faults.get(kind) ?? { injected: 0, proven: 0, recovered: 0 };
    const longestNs = recovery.get(kind)?.percentileNs(100) ?? null;
    const time = longestNs === null ? {} : { seconds: longestNs / 1e9 };
    const hits = `${formatCount(injected)} injected, ${formatCount(proven)} seen to hit`;
    const named = { group: 'soak.faults', name: kind, ...time };
    if (injected === 0 && (isBroken || !scheduled.includes(kind))) {
      const message = scheduled.includes(kind)
        ? 'the run ended before its turn'
        : 'it had no turn in the time of this run';
      return { ...named, outcome: { element: 'skipped', message } };
    }
    if (proven > 0 && recovered === proven && proven === injected) return { ...named, outcome: null };
    // The end of a violated run leaves faults open.
    return {
      ...named,
      outcome: { element: isBroken ? 'skipped' : 'error', message: `${hits}, ${formatCount(recovered)} recovered` },
    };
  });
}

function expectationCases({ expectations }: ToldRun): Case[] {
  return expectations.map(({ text, isMet, measured }) => ({
    group: 'soak.expectations',
    name: text,
    outcome: isMet ? null : { element: 'failure', message: `${text} is not met: ${measured}` },
  }));
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  // In an attribute a reader would turn these into blanks.
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

/** Text as XML 1.0 can hold it, in an attribute or between tags. A character that it cannot hold becomes U+FFFD. */
export function escaped(text: string): string {
  return Array.from(text, (character) => {
    const entity = ENTITIES[character];
    if (entity !== undefined) return entity;
    const code = character.codePointAt(0) ?? 0;
    const isAllowed = (code >= 0x20 && code < 0xd800) || (code >= 0xe000 && code !== 0xfffe && code !== 0xffff);
    return isAllowed ? character : '\ufffd';
  }).join('');
}
