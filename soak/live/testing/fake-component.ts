/**
 * A stand-in for a component: a real process that speaks the protocol and does no work. Its first argument is a plan as
 * JSON, from a process's name to what it does wrong and when; the other arguments are a component's.
 */

import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ComponentChannel } from '../../../src/component/channel.ts';
import { DescriptorWriter } from '../../../src/component/descriptor-writer.ts';
import type { ComponentCommand, WatchCommand } from '../../../src/component/protocol.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { chunkJournal } from '../../../src/journal/journals.ts';
import type { LatencyHistogram } from '../../../src/measure/histogram.ts';

export type Misdeed = {
  /** `work`: after its first second of work; `restart`: when it is started again. */
  readonly when: 'start' | 'restart' | 'work' | 'drain' | 'stop';
  readonly what:
    | 'violation'
    | 'exit 1'
    | 'exit 2'
    | 'exit 12'
    | 'exit 0'
    | 'garbage'
    | 'abort'
    | 'abort once'
    | 'forget'
    | 'ignore'
    | 'idle'
    | 'unverified';
};
export type FakePlan = { readonly [process: string]: Misdeed };

const [planText = '{}', component = '', ...argv] = process.argv.slice(2);
const flag = (name: string): string => argv[argv.indexOf(`--${name}`) + 1] ?? '';
if (component === 'retire') retire();
const data = flag('data');
const name = basename(data);
const plan: FakePlan = JSON.parse(planText);
const misdeed = plan[name];
mkdirSync(data, { recursive: true });
const statePath = join(data, 'verified');
const restarted = existsSync(statePath);
save(join(data, 'pid'), process.pid);

let verifiedBefore = restarted ? Number(readFileSync(statePath, 'utf8')) : 0;
let verified = verifiedBefore;
let lost = 0;
save(statePath, verified);
// Only a chunker pays for loading it: tests start hundreds of fakes.
const latency = component === 'chunker' ? await newHistogram() : null;
const watches: WatchCommand[] = [];
const idle = misdeed?.what === 'idle';

/** More journals than any run of fakes has. */
const JOURNALS = 16;

/** Says that a producer has ended in all journals. */
function retire(): never {
  const producer = flag('producer');
  const ended = Array.from({ length: JOURNALS }, (_, partition) => ({
    journal: chunkJournal(partition),
    msg: 'ended',
  }));
  for (const line of [...ended, { msg: 'retired' }]) process.stderr.write(`${JSON.stringify({ producer, ...line })}\n`);
  return process.exit(0);
}

/** How many chunkers that had this folder before were retired. */
function livesBefore(): number {
  const path = join(`${data}-retired`, 'life');
  return existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0;
}

async function newHistogram(): Promise<LatencyHistogram> {
  const { LatencyHistogram: Histogram } = await import('../../../src/measure/histogram.ts');
  return new Histogram();
}

/** Writes as a whole, or not at all: this process may be killed at any moment. */
function save(path: string, value: number | string): void {
  writeFileSync(`${path}.part`, String(value));
  renameSync(`${path}.part`, path);
}

function does(when: Misdeed['when']): Misdeed['what'] | null {
  return misdeed?.when === when ? misdeed.what : null;
}

const channel = new ComponentChannel({
  input: process.stdin,
  output: new DescriptorWriter({ descriptor: Number(flag('supervised')), pendingBytesMax: 1024 * 1024 }),
  supervised: true,
  onCommand,
  onParentLost: () => process.exit(1),
});

/** As the broker knows it: the summer to which these partitions belong. */
const ownerPath = join(dirname(data), `owner-of-${flag('partitions')}`);

function isReplaced(): boolean {
  return component === 'summer' && existsSync(ownerPath) && readFileSync(ownerPath, 'utf8') !== name;
}

function misbehave(when: Misdeed['when']): boolean {
  const what = does(when);
  switch (what) {
    case 'violation':
      channel.emit({ event: 'violation', kind: 'mismatched', detail: 'planted', journal: 'sums', offset: 7 });
      return process.exit(10);
    case 'exit 0':
    case 'exit 1':
    case 'exit 2':
    case 'exit 12':
      process.stderr.write(`{"level":50,"msg":"planted ${what}"}\n`);
      return process.exit(Number(what.slice(5)));
    case 'abort once':
      if (restarted) return false;
      process.abort();
    // falls through
    case 'abort':
      return process.abort();
    case 'garbage':
      writeSync(Number(flag('supervised')), 'planted garbage\n');
      return true;
    case 'ignore':
    case 'idle':
      return true;
    case 'forget':
      verifiedBefore = 0;
      verified = 0;
      return false;
    case 'unverified':
      lost = 3;
      return false;
    case null:
      return false;
    default:
      return what satisfies never;
  }
}

function work(): void {
  if (isReplaced()) process.exit(12);
  if (component !== 'chunker' || idle) return;
  verified += 1;
  latency?.record(2e6);
  save(statePath, verified);
  const nowNs = systemClock.nowNs();
  for (const { fault, sinceNs, partitions } of watches.splice(0)) {
    const intendedNs = Math.max(sinceNs, nowNs - 1e6);
    for (const partition of partitions ?? [0]) {
      channel.emit({ event: 'recovered', fault, partition, intendedNs, verifiedNs: nowNs });
    }
  }
}

function report(): void {
  const files = verified - verifiedBefore;
  if (component === 'broker') {
    const counts = { commits: 1, appends: 1, bytesAppended: 1, diskBytes: 1, journalBytes: 1 };
    channel.emit({ event: 'progress', component, ...counts });
  } else if (component === 'summer') {
    const counts = { chunksFolded: 1, bytesFolded: 1, commits: 1, filesOpen: 1, sumsPublished: 1 };
    channel.emit({ event: 'progress', component, ...counts });
  } else if (component === 'chunker') {
    channel.emit({
      event: 'progress',
      component,
      chunks: files * 10,
      bytes: files * 320,
      filesCompleted: files,
      sumsVerified: files,
      chunksVerified: files * 10,
      bytesVerified: files * 320,
      filesOpen: 5,
      sumsOutstanding: 0,
      scheduleLagNsP99: 0,
      verifiedTotal: verified,
      latency: latency?.take() ?? null,
      acknowledgement: null,
    });
  }
}

function onCommand(command: ComponentCommand): void {
  switch (command.command) {
    case 'progress':
      return report();
    case 'watch':
      watches.push(command);
      return;
    case 'drain':
      if (misbehave('drain')) return;
      report();
      channel.emit({ event: 'drained', verifiedTotal: verified, filesCompletedTotal: verified + lost });
      return process.exit(0);
    default:
      command satisfies never;
  }
}

process.on('SIGTERM', () => {
  if (misbehave('stop')) return;
  channel.emit({ event: 'stopped', reason: 'SIGTERM' });
  process.exit(0);
});

const pid = process.pid;
if (argv.includes('--take-over')) save(ownerPath, name);
if (isReplaced()) process.exit(12);
if (misbehave(restarted ? 'restart' : 'start')) {
  // It stays there and says nothing.
} else if (component === 'broker') {
  channel.emit({ event: 'ready', component, pid, endpoint: flag('listen'), incarnation: String(pid) });
} else if (component === 'summer') {
  const shards = flag('partitions').split(',').map(Number);
  channel.emit({ event: 'ready', component, pid, shards, epochs: shards.map(() => 1) });
} else if (component === 'chunker') {
  const chunkerNumber = Number(flag('number'));
  const lifePath = join(data, 'life');
  if (!existsSync(lifePath)) save(lifePath, livesBefore() + 1);
  const life = Number(readFileSync(lifePath, 'utf8')) - 1;
  const producer = `${life.toString(16)}${chunkerNumber.toString(16).padStart(15, '0')}`;
  channel.emit({
    event: 'ready',
    component,
    pid,
    producer,
    chunkerNumber,
    resumed: restarted,
    verifiedTotal: verified,
  });
}
setInterval(work, 20);
setTimeout(() => misbehave('work'), 300);
