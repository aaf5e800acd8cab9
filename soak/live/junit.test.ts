import test from 'ava';
import fc from 'fast-check';
import { CODE_POINT } from '../../src/core/testing/code-point.ts';
import { escaped, junitXml } from './junit.ts';
import { toldRun, violatedRun } from './testing/told-run.ts';

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescaped(text: string): string {
  return text.replaceAll(/&(?:#(\d+)|(\w+));/g, (_, code: string | undefined, name: string | undefined) =>
    code === undefined ? (ENTITIES[name ?? ''] ?? '') : String.fromCodePoint(Number(code)),
  );
}

type Element = { readonly name: string; readonly attributes: Readonly<Record<string, string>>; readonly path: string };

/** The elements of a document without comments, or an error when it is not well-formed. */
function elementsOf(xml: string): Element[] {
  const open: string[] = [];
  const found: Element[] = [];
  const rest = xml.replace(/^<\?xml version="1\.0" encoding="UTF-8"\?>\n/, '');
  const left = rest.replaceAll(
    /<(?:(\/)(\w+)|(\w+)((?:\s+\w+="[^"<]*")*)\s*(\/?))>/g,
    (_, close, closed, name: string | undefined, list: string | undefined, alone) => {
      if (close === '/') {
        if (open.pop() !== closed) throw new Error(`</${closed}> closes nothing`);
        return '';
      }
      const attributes = [...(list ?? '').matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', value = '']) => [
        key,
        unescaped(value),
      ]);
      found.push({ name: name ?? '', attributes: Object.fromEntries(attributes), path: open.join('/') });
      if (alone !== '/') open.push(name ?? '');
      return '';
    },
  );
  if (open.length > 0) throw new Error(`${open.join(', ')} are not closed`);
  if (/[<>]|&(?!(?:#\d+|\w+);)/.test(left)) throw new Error(`this is no text: ${left}`);
  return found;
}

test('whatever a message has in it, it comes back from an attribute, but for what XML cannot hold', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: CODE_POINT }), (text) => {
      const [element] = elementsOf(`<a b="${escaped(text)}"/>`);
      const held = text.replaceAll(/[^\P{Cc}\t\n\r\x7f-\x9f]|\p{Cs}|[\ufffe\uffff]/gu, '\ufffd');
      t.is(element?.attributes['b'], held);
    }),
  );
  t.is(escaped('a<b>&"c\'\n\u0000\u001b\ud800'), 'a&lt;b&gt;&amp;&quot;c&apos;&#10;\ufffd\ufffd\ufffd');
});

test('a run that holds has a case for the guarantee, for each kind of fault and for each expectation', (t) => {
  const elements = elementsOf(
    junitXml(
      toldRun({
        expectations: [
          {
            text: 'p99<50ms',
            metric: 'p99',
            operator: '<',
            bound: 50e6,
            isMet: false,
            value: 64.8e6,
            measured: '64.8 ms',
          },
        ],
      }),
    ),
  );
  const cases = elements.filter(({ name }) => name === 'testcase').map(({ attributes }) => attributes['name']);
  t.deepEqual(cases, [
    'the guarantee',
    'kill-broker',
    'kill-summer',
    'kill-all-summers',
    'kill-chunker',
    'kill-everything',
    'p99<50ms',
  ]);
  const suite = elements.find(({ name }) => name === 'testsuite')?.attributes;
  t.like(suite, { tests: '7', failures: '1', errors: '1', skipped: '3', timestamp: '2026-11-26T11:55:22' });
  const failure = elements.find(({ name }) => name === 'failure');
  t.is(failure?.attributes['message'], 'p99<50ms is not met: 64.8 ms');
  const error = elements.find(({ name }) => name === 'error');
  t.is(error?.attributes['message'], '1 injected, 1 seen to hit, 0 recovered');
});

test('a violation is a failure of the guarantee with its story, and faults that it left open are skipped', (t) => {
  const xml = junitXml(violatedRun({ folder: 'results/<odd> & "name"' }));
  const elements = elementsOf(xml);
  const failures = elements.filter(({ name }) => name === 'failure');
  t.is(failures.length, 1);
  t.is(failures[0]?.attributes['message'], 'VIOLATED late: 1 sum came later than the SLA of 500 ms');
  t.regex(xml, /^ {2}meanwhile: .*fault 4 was open/m);
  t.is(elements.filter(({ name }) => name === 'error').length, 0);
  const folder = elements.find(({ attributes }) => attributes['name'] === 'folder');
  t.is(folder?.attributes['value'], 'results/<odd> & "name"');
});

test('a run that shows nothing is an error of the guarantee, which names its first cause', (t) => {
  const reasons = ['interrupted after 6 s', 'no phase was finished'];
  const xml = junitXml(toldRun({ verdict: { verdict: 'INCONCLUSIVE', exitCode: 3, reasons } }));
  const [error] = elementsOf(xml).filter(({ name }) => name === 'error');
  t.is(error?.attributes['message'], 'INCONCLUSIVE interrupted after 6 s');
});
