/**
 * Makes a failing plan smaller while it still fails in the same way: first less load, so that every further try is
 * cheap; then fewer faults (delta debugging; Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing
 * Input"); then simpler faults.
 */

import type { ChunkerPlan, Plan, PlannedFault } from './plan.ts';

export type ShrinkOptions = {
  readonly plan: Plan;
  /** Whether this plan fails as the first one did. */
  readonly fails: (plan: Plan) => Promise<boolean>;
  /** The most tries. */
  readonly triesMax: number;
};

export type Shrunk = { readonly plan: Plan; readonly tries: number };

export async function shrink(options: ShrinkOptions): Promise<Shrunk> {
  const shrinking = new Shrinking(options);
  await shrinking.run();
  return { plan: shrinking.plan, tries: shrinking.tries };
}

class Shrinking {
  plan: Plan;
  tries = 0;
  readonly #options: ShrinkOptions;

  constructor(options: ShrinkOptions) {
    this.plan = options.plan;
    this.#options = options;
  }

  async run(): Promise<void> {
    await this.#tryEach(lighterLoads);
    await this.#fewerFaults();
    await this.#tryEach(lighterLoads);
    await this.#tryEach(simplerFaults);
    await this.#fewerFaults();
  }

  /** Keeps the plan if it fails as well. */
  async #take(plan: Plan): Promise<boolean> {
    if (this.tries >= this.#options.triesMax) return false;
    this.tries += 1;
    if (!(await this.#options.fails(plan))) return false;
    this.plan = plan;
    return true;
  }

  /** Tries changes one after the other, each on the result of the changes before. */
  async #tryEach(changes: (plan: Plan) => readonly ((plan: Plan) => Plan)[]): Promise<void> {
    for (const change of changes(this.plan)) {
      const changed = change(this.plan);
      if (JSON.stringify(changed) !== JSON.stringify(this.plan)) await this.#take(changed);
    }
  }

  async #fewerFaults(): Promise<void> {
    let parts = 2;
    while (this.plan.faults.length > 0) {
      const { faults } = this.plan;
      const size = Math.ceil(faults.length / parts);
      const isTaken = (await this.#takesPart(size)) || (parts > 2 && (await this.#takesRest(size)));
      if (isTaken) parts = Math.max(2, parts - 1);
      else if (size <= 1) return;
      else parts = Math.min(faults.length, parts * 2);
      if (this.tries >= this.#options.triesMax) return;
    }
  }

  /** Tries the plan without one part of the faults. */
  async #takesPart(size: number): Promise<boolean> {
    const { faults } = this.plan;
    for (let at = 0; at < faults.length; at += size) {
      if (await this.#take({ ...this.plan, faults: faults.toSpliced(at, size) })) return true;
    }
    return false;
  }

  /** Tries the plan with only one part of the faults. */
  async #takesRest(size: number): Promise<boolean> {
    const { faults } = this.plan;
    for (let at = 0; at < faults.length; at += size) {
      if (await this.#take({ ...this.plan, faults: faults.slice(at, at + size) })) return true;
    }
    return false;
  }
}

function lighterLoads(plan: Plan): ((plan: Plan) => Plan)[] {
  const changes: ((plan: Plan) => Plan)[] = [];
  for (let index = plan.chunkers.length - 1; index > 0; index -= 1) {
    changes.push((now) => ({ ...now, chunkers: now.chunkers.toSpliced(index, 1) }));
  }
  if (plan.summers.length > 1 || plan.partitions > 1) changes.push(oneShard);
  changes.push(shorter);
  changes.push((now) => ({ ...now, chunkers: now.chunkers.map(lighter) }));
  return changes;
}

/** One partition and one summer, which gets the faults of all summers. */
function oneShard(plan: Plan): Plan {
  const faults = plan.faults.map((fault): PlannedFault => {
    const isOfSummer = 'target' in fault && fault.target.startsWith('summer-');
    return isOfSummer ? { ...fault, target: 'summer-0' } : fault;
  });
  return { ...plan, partitions: 1, summers: [[0]], faults };
}

/** Everything heals soon after the last fault. */
function shorter(plan: Plan): Plan {
  const lastMs = Math.max(0, ...plan.faults.map(({ atMs }) => atMs));
  return { ...plan, faultsMs: Math.min(plan.faultsMs, Math.max(1_000, lastMs - plan.warmUpMs + 2_000)) };
}

function lighter(chunker: ChunkerPlan): ChunkerPlan {
  const { rate, filesOpen } = chunker;
  return { ...chunker, rate: rate === null ? null : Math.ceil(rate / 2), filesOpen: Math.ceil(filesOpen / 4) };
}

function simplerFaults({ faults }: Plan): ((plan: Plan) => Plan)[] {
  return faults.flatMap(({ id }) =>
    SIMPLER.map((simpler) => (plan: Plan) => ({
      ...plan,
      faults: plan.faults.map((fault) => (fault.id === id ? simpler(fault) : fault)),
    })),
  );
}

const SIMPLER: readonly ((fault: PlannedFault) => PlannedFault)[] = [
  (fault) => ('death' in fault ? { ...fault, death: { ...fault.death, atCall: 0 } } : fault),
  (fault) => ('durationMs' in fault ? { ...fault, durationMs: Math.ceil(fault.durationMs / 2) } : fault),
  (fault) => (fault.kind === 'takeover' ? { ...fault, returns: false, successor: null } : fault),
];
