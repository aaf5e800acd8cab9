/** Two ends of a link, each a process of its own, of which one stands still. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { TestProcess, temporaryFolder, within } from '../../cli/testing/test-process.ts';
import { parseEndpoint } from '../endpoint.ts';
import { ZeromqDialer } from '../zeromq-link.ts';
import { freePort } from './free-port.ts';

const SCRIPT = fileURLToPath(new URL('stalling-peer.js', import.meta.url));
/**
 * How long an end stops after the other end has died: it covers some heartbeats of a quarter of a second. Where neither
 * end dies, it covers two of their timeouts of a second.
 */
const AFTER_DEATH_MS = 700;
const WHILE_ALIVE_MS = 2_500;

export type Kind = 'ipc' | 'tcp';

class Scene {
  readonly #t: ExecutionContext;
  readonly #address: string;
  readonly #release: string;
  readonly #stallMs: number;

  private constructor(t: ExecutionContext, address: string, release: string, stallMs: number) {
    this.#t = t;
    this.#address = address;
    this.#release = release;
    this.#stallMs = stallMs;
  }

  static async of(t: ExecutionContext, kind: Kind, stallMs: number): Promise<Scene> {
    const folder = temporaryFolder(t);
    const address = kind === 'ipc' ? `ipc://${join(folder, 'socket')}` : `tcp://127.0.0.1:${await freePort()}`;
    return new Scene(t, address, join(folder, 'release'), stallMs);
  }

  async start(role: 'server' | 'client' | 'foreign', said: string): Promise<TestProcess> {
    const peer = new TestProcess(this.#t, [role, this.#address, this.#release, String(this.#stallMs)], {
      script: SCRIPT,
    });
    await peer.lines((lines) => lines.includes(said));
    return peer;
  }

  release(): void {
    writeFileSync(this.#release, '');
  }

  /** Whether a new client is answered. */
  async isServed(): Promise<boolean> {
    const dialer = new ZeromqDialer(parseEndpoint(this.#address));
    const answered = new Promise<boolean>((resolve) => {
      const link = dialer.dial('asks', { onMessage: () => resolve(true), onDown: () => resolve(false) });
      this.#t.teardown(() => link.close());
      link.send([Buffer.from('hello')]);
    });
    return within(answered, () => 'a new client is answered');
  }
}

/** The broker dies while its client stands still. */
export async function checkClientOfDead(t: ExecutionContext, kind: Kind): Promise<void> {
  const scene = await Scene.of(t, kind, AFTER_DEATH_MS);
  const server = await scene.start('server', 'serving');
  const client = await scene.start('client', 'stalled');
  await server.lines((lines) => lines.includes('sent'));
  await server.kill();
  scene.release();
  t.deepEqual(await client.exit(), { code: 0, signal: null }, client.stderr.join('\n'));
  // It may hear of the end of the link before it has read the last message that had arrived.
  t.true(['all', 'down'].includes(client.stdout.at(-1) ?? ''));
}

/** The broker lives while its client stands still. */
export async function checkClientOfLiving(t: ExecutionContext, kind: Kind): Promise<void> {
  const scene = await Scene.of(t, kind, WHILE_ALIVE_MS);
  await scene.start('server', 'serving');
  const client = await scene.start('client', 'stalled');
  scene.release();
  t.deepEqual(await client.exit(), { code: 0, signal: null }, client.stderr.join('\n'));
  t.is(client.stdout.at(-1), 'all');
}

/** Clients die while their broker stands still. */
export async function checkBrokerOfDead(t: ExecutionContext, kind: Kind): Promise<void> {
  const scene = await Scene.of(t, kind, AFTER_DEATH_MS);
  const server = await scene.start('server', 'serving');
  const clients = [await scene.start('foreign', 'flooding'), await scene.start('foreign', 'flooding')];
  await server.lines((lines) => lines.includes('stalled'));
  for (const client of clients) await client.kill();
  scene.release();
  t.true(await scene.isServed());
  t.false(server.isOver);
}

/** A client lives while its broker stands still. */
export async function checkBrokerOfLiving(t: ExecutionContext, kind: Kind): Promise<void> {
  const scene = await Scene.of(t, kind, WHILE_ALIVE_MS);
  const server = await scene.start('server', 'serving');
  const client = await scene.start('foreign', 'flooding');
  await server.lines((lines) => lines.includes('stalled'));
  await client.signal('SIGSTOP');
  scene.release();
  await server.lines((lines) => lines.includes('resumed'));
  await client.signal('SIGCONT');
  t.true(await scene.isServed());
  t.false(server.isOver);
}
