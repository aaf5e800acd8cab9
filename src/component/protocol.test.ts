import test from 'ava';
import fc from 'fast-check';
import { OperatingError } from '../core/errors.ts';
import { CODE_POINT } from '../core/testing/code-point.ts';
import { LineSplitter } from './channel.ts';
import {
  type ComponentCommand,
  type ComponentEvent,
  decodeCommand,
  decodeEvent,
  encodeCommand,
  encodeEvent,
  LINE_LENGTH_MAX,
} from './protocol.ts';

const count = fc.maxSafeNat();
const nanoseconds = fc.double({ min: 0, max: 1e16, noNaN: true }).map((value) => Math.abs(value));
const hexadecimal = (digits: number): fc.Arbitrary<string> =>
  fc.stringMatching(new RegExp(`^[0-9a-f]{${digits}}$`), { maxLength: digits });
const pid = count;

const events: fc.Arbitrary<ComponentEvent> = fc.oneof(
  fc.record({
    event: fc.constant('ready' as const),
    component: fc.constant('broker' as const),
    pid,
    endpoint: fc.string(),
    incarnation: fc.string(),
  }),
  fc.record({
    event: fc.constant('ready' as const),
    component: fc.constant('summer' as const),
    pid,
    shards: fc.array(count),
    epochs: fc.array(count),
  }),
  fc.record({
    event: fc.constant('ready' as const),
    component: fc.constant('chunker' as const),
    pid,
    producer: hexadecimal(16),
    chunkerNumber: count,
    resumed: fc.boolean(),
    verifiedTotal: count,
  }),
  fc.record(
    {
      event: fc.constant('progress' as const),
      component: fc.constant('summer' as const),
      chunksFolded: count,
      bytesFolded: count,
      commits: count,
      filesOpen: count,
      sumsPublished: count,
      eventLoopLagNsMax: nanoseconds,
    },
    {
      requiredKeys: ['event', 'component', 'chunksFolded', 'bytesFolded', 'commits', 'filesOpen', 'sumsPublished'],
    },
  ),
  fc.record({
    event: fc.constant('progress' as const),
    component: fc.constant('chunker' as const),
    chunks: count,
    bytes: count,
    filesCompleted: count,
    sumsVerified: count,
    chunksVerified: count,
    bytesVerified: count,
    filesOpen: count,
    sumsOutstanding: count,
    scheduleLagNsP99: nanoseconds,
    verifiedTotal: count,
    latency: fc.option(fc.base64String()),
    acknowledgement: fc.option(fc.base64String()),
    acknowledged: fc.array(count),
  }),
  fc.record({
    event: fc.constant('recovered' as const),
    fault: count,
    partition: count,
    intendedNs: nanoseconds,
    verifiedNs: nanoseconds,
  }),
  fc.record(
    {
      event: fc.constant('violation' as const),
      kind: fc.constantFrom('lost' as const, 'acknowledged-loss' as const, 'out-of-order' as const),
      detail: fc.string({ unit: CODE_POINT }),
      journal: fc.string(),
      offset: count,
      file: hexadecimal(32),
      index: count,
    },
    { requiredKeys: ['event', 'kind', 'detail'] },
  ),
  fc.record({ event: fc.constant('ending' as const), endStep: count }),
  fc.record({ event: fc.constant('drained' as const), verifiedTotal: count, filesCompletedTotal: count }),
  fc.record({ event: fc.constant('stopped' as const), reason: fc.string() }),
);

const commands: fc.Arbitrary<ComponentCommand> = fc.oneof(
  fc.constantFrom({ command: 'drain' as const }, { command: 'progress' as const }),
  fc.record({
    command: fc.constant('watch' as const),
    fault: count,
    sinceNs: nanoseconds,
    partitions: fc.option(fc.array(count)),
  }),
);

test('every event survives its line, cut anywhere on the way', (t) => {
  fc.assert(
    fc.property(fc.array(events), fc.integer({ min: 1, max: 50 }), (sent, step) => {
      const bytes = Buffer.from(sent.map(encodeEvent).join(''));
      const splitter = new LineSplitter();
      const lines: string[] = [];
      for (let at = 0; at < bytes.length; at += step) lines.push(...splitter.push(bytes.subarray(at, at + step)));
      t.deepEqual(lines.map(decodeEvent), sent);
    }),
  );
});

test('every command survives its line', (t) => {
  fc.assert(fc.property(commands, (sent) => t.deepEqual(decodeCommand(encodeCommand(sent).trimEnd()), sent)));
});

test('an event without one of its fields, or with another type in it, is an operating error', (t) => {
  const optional = new Set(['eventLoopLagNsMax', 'acknowledged', 'journal', 'offset', 'file', 'index']);
  fc.assert(
    fc.property(events, fc.nat(), fc.constantFrom(undefined, -1, 1.5, {}, 'é'), (sent, pick, replacement) => {
      const names = Object.keys(sent).filter((name) => !optional.has(name) || replacement !== undefined);
      const name = names[pick % names.length] ?? 'event';
      const free = ['endpoint', 'incarnation', 'detail', 'reason', 'journal', 'latency', 'acknowledgement'];
      if (replacement === 'é' && free.includes(name)) return;
      if (replacement === 1.5 && /Ns/.test(name)) return;
      const line = JSON.stringify({ ...sent, [name]: replacement });
      t.throws(() => decodeEvent(line), { instanceOf: OperatingError, code: 'ERR_PROTOCOL_LINE' }, line);
    }),
  );
});

test('no line at all makes the decoders throw anything but an operating error', (t) => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
      for (const decode of [decodeEvent, decodeCommand]) t.throws(() => decode(line), { instanceOf: OperatingError });
    }),
  );
});

test('unknown fields are dropped', (t) => {
  t.deepEqual(decodeCommand('{"command":"drain","hurry":true,"__proto__":{"command":"x"}}'), { command: 'drain' });
});

test('a line without an end is refused at its bound', (t) => {
  const splitter = new LineSplitter();
  t.deepEqual(splitter.push(Buffer.alloc(LINE_LENGTH_MAX, 0x20)), []);
  t.throws(() => splitter.push(Buffer.alloc(1, 0x20)), { instanceOf: OperatingError, code: 'ERR_PROTOCOL_LINE' });
});
