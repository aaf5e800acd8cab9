/** The relay of a run, with a link for each client: the address that each client dials instead of the broker's. */

import type { Clock } from '../../../../src/core/clock.ts';
import { OperatingError } from '../../../../src/core/errors.ts';
import { chooseEndpoint, type Endpoint } from '../../../../src/fleet/broker-address.ts';
import type { Failure } from '../../../../src/fleet/exit-judgement.ts';
import { RelayProcess } from './relay-process.ts';

/** The auditor's link: the auditor is a client like the others. */
export const AUDITOR_LINK = 'auditor';
/** An address that was free when it was chosen may be taken when it is used. */
const CHOICES_MAX = 10;

export type RelayedLinksOptions = {
  readonly transport: 'ipc' | 'tcp';
  /** The folder for ipc sockets, if their paths are short enough. */
  readonly folder: string;
  /** The broker's endpoint. */
  readonly broker: string;
  /** Names of the links that exist from the beginning. */
  readonly links: readonly string[];
  readonly clock: Clock;
  readonly logPath: string;
  readonly onFailure: (failure: Failure) => void;
};

export class RelayedLinks {
  readonly relay: RelayProcess;
  readonly #options: RelayedLinksOptions;
  readonly #endpoints = new Map<string, Endpoint>();

  private constructor(options: RelayedLinksOptions) {
    this.#options = options;
    this.relay = new RelayProcess(options);
  }

  /** Resolves when each link listens. When one cannot, throws an OperatingError and leaves nothing. */
  static async start(options: RelayedLinksOptions): Promise<RelayedLinks> {
    const links = new RelayedLinks(options);
    try {
      for (const link of options.links) await links.open(link);
    } catch (error) {
      await links.close();
      throw error;
    }
    return links;
  }

  /** Where the client of that link dials. */
  endpointOf(link: string): string {
    const endpoint = this.#endpoints.get(link);
    if (endpoint === undefined) throw new OperatingError('ERR_RELAY', `there is no link ${link}`);
    return endpoint.address;
  }

  /** Opens one more link, for a client that joins. */
  async open(link: string): Promise<void> {
    const { transport, folder, broker } = this.#options;
    for (let choices = 1; ; choices += 1) {
      const endpoint = await chooseEndpoint(transport, folder, `relay-${link}`);
      // Nobody listens at the broker's address before the broker has started.
      if (endpoint.address === broker) continue;
      try {
        await this.relay.open(link, { listen: endpoint.address, broker });
        this.#endpoints.set(link, endpoint);
        return;
      } catch (error) {
        await endpoint.remove();
        if (!(error instanceof OperatingError) || choices === CHOICES_MAX || transport === 'ipc') throw error;
      }
    }
  }

  /** Ends the relay, and leaves nothing of it. */
  async close(): Promise<void> {
    await this.relay.close();
    for (const endpoint of this.#endpoints.values()) await endpoint.remove();
  }
}
