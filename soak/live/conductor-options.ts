/** What a conductor gets: the parts of a run that exist before it, and what is asked of it. */

import type { Clock } from '../../src/core/clock.ts';
import type { Launch } from '../../src/fleet/component-process.ts';
import type { FaultKind } from '../guarantee/fault-kinds.ts';
import type { StoryFacts } from '../guarantee/story/story-facts.ts';
import type { Audit, Connect } from './audit/end-audit.ts';
import type { LiveDecorations } from './decorations.ts';
import type { Display } from './display.ts';
import type { RelayedLinks } from './faults/relay/relayed-links.ts';
import type { SoakEngine } from './engine.ts';
import type { FlightRecorder } from './flight-recorder.ts';
import type { WholeRecorder } from './whole-recorder.ts';
import type { SoakOptions } from './soak-options.ts';
import type { SoakFiles } from './soak-files.ts';
import type { Watchers } from './watchers.ts';

export type ConductorOptions = Pick<Watchers, 'resources' | 'metrics' | 'pages'> & {
  readonly options: SoakOptions;
  readonly launch: Launch;
  /** The build by which the run begins; null: by `launch`. */
  readonly older: Launch | null;
  readonly endpoint: string;
  /** Null: clients dial the broker itself. */
  readonly links: RelayedLinks | null;
  /** Null: the journals are those of the run's own broker. */
  readonly engine: SoakEngine | null;
  readonly dataFolder: string;
  readonly logsFolder: string;
  readonly files: SoakFiles;
  readonly flightRecorder: FlightRecorder;
  /** Null: the whole history is not kept. */
  readonly wholeRecorder: WholeRecorder | null;
  /** The facts for the stories of violations. */
  readonly facts: StoryFacts;
  readonly display: Display;
  readonly clock: Clock;
  readonly startNs: number;
  /** A drain that is not over by then is given up. */
  readonly drainMsMax: number;
  /** Kinds that have a turn in the schedule. */
  readonly faults: readonly FaultKind[];
  /** Null: only the chunkers check. */
  readonly audit: Audit | null;
  /** Null: there are no journals to follow. */
  readonly connect: Connect | null;
  readonly decorations?: LiveDecorations;
  /** How long a stuck thing is waited for; absent: as long as a start and the SLA. */
  readonly patienceMs?: number;
};
