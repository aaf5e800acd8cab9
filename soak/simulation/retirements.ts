/**
 * Chunkers that are retired, as an operator does it: `stream-sum retire` ends the producer, again if the command died
 * or got no answer. When the chunker is gone, another one takes its place, with an empty folder. A chunker is gone when
 * it is dead for good, when it hears that it was retired, or when it finds its pin gone.
 */

import * as records from '../../src/chunker/rows/records.ts';
import { EXIT, OperatingError } from '../../src/core/errors.ts';
import { runRetire } from './components.ts';
import type { IncarnationEnd } from './world/incarnation.ts';
import type { Death } from './death.ts';
import { SimulatedProcess, type Surroundings } from './world/process.ts';

/** How soon the command is run again. */
const AGAIN_MS = 200;

export type Retiring = {
  /** The chunker dies in this way, and is not started again; `null`: nobody kills it for good. */
  readonly death: Death | null;
  /** How often the command is run. */
  readonly runs: number;
  /** In which of its calls into the world the first run dies, if it does. */
  readonly dies: number | null;
  /** The producer has ended everywhere, and another chunker takes the place of the one that is gone. */
  readonly onReplaced: () => void;
};

type Retirement = Retiring & {
  readonly chunker: SimulatedProcess;
  readonly producer: string;
  command: SimulatedProcess | null;
  runsLeft: number;
  /** The chunker has ended, and is not started again. */
  isGone: boolean;
};

export type RetirementsOptions = {
  readonly surroundings: Surroundings;
  /** Called before the command starts. */
  readonly onMade: (command: SimulatedProcess) => void;
  readonly kill: (command: SimulatedProcess, death: Death) => void;
  /** Its producer is ended, and it has ended: another chunker may take its place. */
  readonly onReplaced: (chunker: SimulatedProcess) => void;
};

export class Retirements {
  readonly #options: RetirementsOptions;
  readonly #underWay = new Map<SimulatedProcess, Retirement>();
  readonly #commands = new Map<SimulatedProcess, Retirement>();
  #made = 0;

  constructor(options: RetirementsOptions) {
    this.#options = options;
  }

  /** Whether nobody is being retired. */
  get areOver(): boolean {
    return this.#underWay.size === 0 && this.#commands.size === 0;
  }

  isUnderWay(chunker: SimulatedProcess): boolean {
    return this.#underWay.has(chunker);
  }

  /** Whether the command has been run for this chunker's producer, so that the chunker may hear that it was retired. */
  isAsked(chunker: SimulatedProcess): boolean {
    return (this.#underWay.get(chunker)?.command ?? null) !== null;
  }

  isCommand(process: SimulatedProcess): boolean {
    return process.name.startsWith('retire-');
  }

  /** Retires the producer of a chunker: at once, or when it has died as planned. */
  begin(chunker: SimulatedProcess, retiring: Retiring): void {
    const producer = producerOf(chunker);
    if (producer === null) return;
    const whole = { ...retiring, chunker, producer, command: null, runsLeft: retiring.runs, isGone: false };
    this.#underWay.set(chunker, whole);
    if (retiring.death === null) this.#run(whole);
  }

  /** Whether a chunker that has ended is not to be started again. */
  takes(chunker: SimulatedProcess, { exitCode }: IncarnationEnd): boolean {
    const { counters, kernel } = this.#options.surroundings;
    const retirement = this.#underWay.get(chunker);
    if (retirement === undefined) return false;
    if (retirement.command === null) return this.#takesDead(retirement, exitCode);
    if (chunker.isDrained) {
      // It had begun to end, and the command only helped.
      this.#underWay.delete(chunker);
      return false;
    }
    if (exitCode !== EXIT.fenced && exitCode !== EXIT.inconclusive) return false;
    counters.count(exitCode === EXIT.fenced ? 'chunker heard that it was retired' : 'chunker found its pin gone');
    retirement.isGone = true;
    kernel.after(0, () => this.#maybeReplace(retirement));
    return true;
  }

  /** One run of the command has ended. Returns whether that was to be expected. */
  commandEnded(command: SimulatedProcess, { exitCode, error }: IncarnationEnd): boolean {
    const retirement = this.#commands.get(command);
    const isUnanswered = error instanceof OperatingError && error.code === 'ERR_NO_ANSWER';
    if (retirement === undefined) return false;
    // Its pin was gone before it had published anything: the command says that there is nothing to retire.
    const { observer } = this.#options.surroundings;
    const isNothing = exitCode === EXIT.usage && observer.isUnknown(retirement.producer);
    if (!(exitCode === null || exitCode === EXIT.holds || isUnanswered || isNothing)) return false;
    if (exitCode === EXIT.holds || isNothing) retirement.runsLeft -= 1;
    else this.#options.surroundings.counters.count('retirement broken off, and begun again');
    if (retirement.runsLeft > 0) this.#runAgain(command);
    else {
      this.#commands.delete(command);
      this.#maybeReplace(retirement);
    }
    return true;
  }

  #takesDead(retirement: Retirement, exitCode: number | null): boolean {
    const { chunker, death } = retirement;
    // A chunker that has begun to end is left to end, so that its own ends and those of the command are not mixed up.
    if (death === null || exitCode !== null || chunker.death !== death || hasBegunToEnd(chunker)) {
      this.#underWay.delete(chunker);
      return false;
    }
    retirement.isGone = true;
    this.#options.surroundings.kernel.after(death.downMs * 1e6, () => this.#run(retirement));
    return true;
  }

  #run(retirement: Retirement): void {
    const { surroundings, onMade, kill } = this.#options;
    this.#made += 1;
    const command = new SimulatedProcess({
      name: `retire-${this.#made}`,
      component: 'chunker',
      surroundings,
      run: runRetire(retirement.producer),
      onDurable: () => {},
    });
    onMade(command);
    retirement.command = command;
    this.#commands.set(command, retirement);
    command.start();
    const { dies } = retirement;
    if (dies !== null) kill(command, { atCall: dies, commit: 'lost', downMs: 0 });
  }

  #runAgain(command: SimulatedProcess): void {
    this.#options.surroundings.kernel.after(AGAIN_MS * 1e6, () => {
      if (!command.isUp && !command.wantsStop && this.#commands.has(command)) command.start();
    });
  }

  #maybeReplace(retirement: Retirement): void {
    const { chunker, producer, command, runsLeft, isGone } = retirement;
    if (command === null || runsLeft > 0 || !isGone || !this.#underWay.delete(chunker)) return;
    const { history, counters } = this.#options.surroundings;
    history.record({ event: 'retired', process: chunker.name, producer });
    counters.count('chunker retired and replaced');
    retirement.onReplaced();
    chunker.moveTo(`/simulated/${chunker.name}-after-${producer}`);
    this.#options.onReplaced(chunker);
  }
}

/** The producer of a chunker's folder, as its log names it; `null`: there is none yet. */
export function producerOf({ disk }: SimulatedProcess): string | null {
  return records.readRow(disk, 'identity', records.isIdentityRow)?.producer ?? null;
}

/** Whether a chunker's decision to send its end records is durable. */
export function hasBegunToEnd({ disk }: SimulatedProcess): boolean {
  return records.readRow(disk, 'phase', records.isPhaseRow) !== null;
}
