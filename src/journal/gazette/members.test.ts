import test from 'ava';
import { Members } from './members.ts';
import { grpcError } from './testing/fake-cluster.ts';

type Stub = { readonly name: string; close(): void };

function three(): { members: Members<Stub>; stubs: readonly Stub[]; closed: string[] } {
  const closed: string[] = [];
  const stubs = ['a', 'b', 'c'].map((name) => ({ name, close: () => void closed.push(name) }));
  return { members: new Members(stubs), stubs, closed };
}

test('a member is asked until it is away, then the next one, and after the last one the first', async (t) => {
  const { members } = three();
  const asked: string[] = [];
  const ask = (code: number | null): Promise<unknown> =>
    members
      .unary<string>((stub, done) => {
        asked.push(stub.name);
        done(code === null ? null : grpcError(code), stub.name);
      })
      .catch((error: unknown) => error);
  for (const code of [null, 14, null, 7, 4, 14, null]) await ask(code);
  t.deepEqual(asked, ['a', 'a', 'b', 'b', 'b', 'c', 'a']);
});

test('several calls that a member has failed move on by one', (t) => {
  const { members, closed } = three();
  const first = members.present;
  t.is(first.name, 'a');
  members.failed(first, grpcError(14));
  members.failed(first, grpcError(14));
  t.is(members.present.name, 'b');
  members.close();
  t.deepEqual(closed, ['a', 'b', 'c']);
});

test('who asks beyond the present member changes nothing for the others', (t) => {
  const { members } = three();
  t.deepEqual(
    [0, 1, 2, 3].map((places) => members.beyond(places).name),
    ['a', 'b', 'c', 'a'],
  );
  members.failed(members.beyond(1), grpcError(14));
  t.is(members.present.name, 'a');
});
