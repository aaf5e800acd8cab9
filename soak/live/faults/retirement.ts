/**
 * A chunker of the fleet that dies for good: `stream-sum retire` ends its producer, its folder is put away, and a new
 * chunker gets its name, its place and its link. Only the folder of the last retired chunker is kept, because a run of
 * days retires many.
 */

import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { reasonOf } from '../../../src/core/folder.ts';
import type { Fleet } from '../../../src/fleet/fleet.ts';
import { chunkJournal } from '../../../src/journal/journals.ts';
import type { LiveDecorations } from '../decorations.ts';
import type { Retirement } from './actions/target.ts';

export type RetirementOptions = {
  readonly fleet: Pick<Fleet, 'named' | 'run' | 'isEnding' | 'killForGood' | 'startAgain' | 'fail'>;
  readonly dataFolder: string;
  /** The address on which the broker listens. */
  readonly endpoint: string;
  readonly partitions: number;
  /** 16 hexadecimal digits; null: the chunker was never ready. */
  readonly producerOf: (chunker: string) => string | null;
  /** Called when it was seen that the producer has ended in every journal, before anything follows from that. */
  readonly onRetired: (chunker: string, producer: string) => void;
  /** The run has ended in the middle of a retirement; `what` says what is left to do with the data. */
  readonly onUnfinished: (what: string) => void;
  readonly decorations: Pick<LiveDecorations, 'kills' | 'retires'>;
};

/** `times`: how often the command is run. Its output says whether it may be run again. */
export function retirementOf(chunker: string, times: number, from: RetirementOptions): Retirement {
  const { fleet, endpoint, partitions, decorations } = from;
  const process = fleet.named(chunker);
  const producer = from.producerOf(chunker) ?? '';
  const run = async (): Promise<boolean> => {
    const lines = await fleet.run('retire', ['retire', '--connect', endpoint, '--producer', producer]);
    return lines !== null && isEnded(lines, { producer, partitions });
  };
  return {
    producer,
    kill: () => {
      if (decorations.kills?.(chunker) !== false) fleet.killForGood(process, 'retire');
    },
    retire: async () => {
      for (let time = 0; time < times; time += 1) {
        if (await (decorations.retires?.(producer, run) ?? run())) continue;
        if (fleet.isEnding) from.onUnfinished(unfinishedText({ chunker, producer, dataFolder: from.dataFolder }));
        return null;
      }
      return `producer ${producer} ended in ${partitions} journals${times === 1 ? '' : `, asked ${times} times`}`;
    },
    join: () => {
      const folder = join(from.dataFolder, chunker);
      try {
        rmSync(retiredFolder(folder), { recursive: true, force: true });
        if (existsSync(folder)) renameSync(folder, retiredFolder(folder));
      } catch (error) {
        return fleet.fail(process, `its folder ${folder} cannot be put away: ${reasonOf(error)}`);
      }
      from.onRetired(chunker, producer);
      fleet.startAgain(process);
    },
    comeBack: () => fleet.startAgain(process),
  };
}

/** The producer may have ended in some journals. Then its chunker cannot go on, and nobody else ends the others. */
function unfinishedText(of: {
  readonly chunker: string;
  readonly producer: string;
  readonly dataFolder: string;
}): string {
  const { chunker, producer, dataFolder } = of;
  return (
    `the run ended while ${chunker} was retired: before another run with this data, start its broker, ` +
    `run \`stream-sum retire --producer ${producer}\` and remove ${join(dataFolder, chunker)}`
  );
}

/** The place of a chunker's folder once it was retired. */
function retiredFolder(folder: string): string {
  return `${folder}-retired`;
}

/** Whether the command says that the producer has ended in each journal, and that its pin is released. */
export function isEnded(
  lines: readonly string[],
  { producer, partitions }: { readonly producer: string; readonly partitions: number },
): boolean {
  const said = lines.map(fieldsOf).filter((fields) => fields['producer'] === producer);
  const ended = new Set(said.filter(({ msg }) => msg === 'ended').map(({ journal }) => journal));
  const journals = Array.from({ length: partitions }, (_, partition) => chunkJournal(partition));
  return journals.every((journal) => ended.has(journal)) && said.at(-1)?.['msg'] === 'retired';
}

function fieldsOf(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
