/** A cut between two real network namespaces. It is skipped by its name where they cannot be made. */

import { closeSync, openSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { delay, systemClock } from '../../src/core/clock.ts';
import { Laboratory } from './laboratory.ts';
import { NetworkCut, hasNft } from './network-cut.ts';

const PORT = 7001;
const DEADLINE_MS = 20_000;
/** Dials the other member, and writes to every connection again and again. */
const TALK = `const { connect, createServer } = require('node:net');
const [address] = process.argv.slice(1);
const talk = (socket) => { socket.on('error', () => {}); setInterval(() => socket.write('x'), 20); };
createServer(talk).listen(${PORT});
const dial = () => {
  const socket = connect(${PORT}, address);
  talk(socket);
  socket.on('close', () => setTimeout(dial, 50));
};
dial();`;

const missing = process.getuid?.() === 0 ? (hasNft() ? null : 'nft is missing') : 'it needs root';

function cutTest(title: string, run: (t: ExecutionContext) => Promise<void>): void {
  if (missing === null) test.serial(title, run);
  else test.skip(`left out: ${title} (${missing})`, () => {});
}

async function until(cut: NetworkCut, isSo: () => boolean): Promise<void> {
  const deadlineNs = systemClock.nowNs() + DEADLINE_MS * 1e6;
  while (!isSo()) {
    cut.check();
    if (systemClock.nowNs() > deadlineNs) throw new Error(`it did not happen in time: ${isSo.toString()}`);
    await delay(systemClock, 50);
  }
}

type Cutting = Pick<ConstructorParameters<typeof NetworkCut>[0], 'how' | 'isOneWay'>;

/** Two members that talk to each other. The first one can be cut off. */
async function talking(t: ExecutionContext, cutting: Cutting): Promise<NetworkCut> {
  const laboratory = await Laboratory.open();
  t.teardown(() => laboratory.close());
  const output = openSync('/dev/null', 'a');
  for (const number of [1, 2]) await laboratory.addMember(number);
  const others = [laboratory.addressOf(2), laboratory.addressOf(1)];
  for (const [at, other] of others.entries()) {
    const args = ['-e', TALK, other];
    const child = laboratory.start(at + 1, { file: process.execPath, args, environment: process.env, output });
    t.teardown(async () => {
      child.kill('SIGKILL');
      await child.ended;
    });
  }
  closeSync(output);
  const members = [{ name: 'one', inside: laboratory.inside(1) }];
  const peers = [{ address: laboratory.addressOf(2), port: 1 }];
  return new NetworkCut({ members, peers, ...cutting, clock: systemClock });
}

for (const how of ['drop', 'reject'] as const) {
  cutTest(`packets that are to ${how} are counted both ways, and pass when the cut is over`, async (t) => {
    t.timeout(2 * DEADLINE_MS);
    const cut = await talking(t, { how, isOneWay: false });
    cut.begin();
    await until(cut, () => (cut.lost.get('one')?.in ?? 0) > 0 && (cut.lost.get('one')?.out ?? 0) > 0);
    t.false(cut.isOver);
    cut.heal();
    await until(cut, () => cut.isOver);
    const { out = 0, in: incoming = 0 } = cut.passed.get('one') ?? {};
    t.true(out > 0 && incoming > 0);
    cut.check();
  });
}

cutTest('one way only what is sent is lost', async (t) => {
  t.timeout(2 * DEADLINE_MS);
  const cut = await talking(t, { how: 'drop', isOneWay: true });
  cut.begin();
  await until(cut, () => (cut.lost.get('one')?.out ?? 0) > 0 && (cut.lost.get('one')?.in ?? 0) > 0);
  cut.heal();
  await until(cut, () => cut.isOver);
  cut.check();
  t.pass();
});
