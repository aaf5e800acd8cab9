/**
 * When the generator gets its turns: the one state of a chunker, from its start to its end.
 *
 * | state       | the next turn comes                                    | next state                                |
 * | ----------- | ------------------------------------------------------ | ----------------------------------------- |
 * | `idle`      | when `now` or `soon` asks for it                       | `running` by `now`, `scheduled` by `soon` |
 * | `scheduled` | when everything that has arrived is handled            | `running`                                 |
 * | `running`   | as this turn ends; at once if a turn was asked for     | `scheduled`, `waiting`, `blocked`         |
 * | `waiting`   | when the next step is due, or a turn is asked for      | `running`, `scheduled` by `soon`          |
 * | `blocked`   | when there may be room, or a turn is asked for         | `scheduled` by `roomMade` or `soon`       |
 * | `deciding`  | when the decision to end is durable                    | `running` by `decided`                    |
 * | `ending`    | never: everything is generated and verified            | `over`                                    |
 * | `over`      | never: finished, stopped or failed                     |                                           |
 *
 * `decide` leads to `deciding`, and `beginEnding` to `ending`, from each state that has a next turn; `close` leads to
 * `over` from every state.
 */

import type { Clock, Timer } from '../../core/clock.ts';

export type TurnState = 'idle' | 'scheduled' | 'running' | 'waiting' | 'blocked' | 'deciding' | 'ending' | 'over';

/**
 * How a turn ended: more is due; an acknowledgement, a sum or a reservation is needed; or the next step is due later.
 */
export type TurnEnd = 'more' | 'blocked' | { readonly waitMs: number };

export class Turns {
  readonly #clock: Clock;
  readonly #take: () => TurnEnd;
  #state: TurnState = 'idle';
  /** The timer of the state `waiting`. */
  #timer: Timer | null = null;

  constructor(options: { readonly clock: Clock; readonly take: () => TurnEnd }) {
    this.#clock = options.clock;
    this.#take = options.take;
  }

  get state(): TurnState {
    return this.#state;
  }

  get isOver(): boolean {
    return this.#state === 'over';
  }

  /** Whether another turn can come. */
  get hasNext(): boolean {
    return this.#state !== 'ending' && this.#state !== 'over';
  }

  /** Takes a turn. */
  now(): void {
    if (this.#state === 'running' || this.#state === 'deciding' || !this.hasNext) return;
    this.#enter('running');
    const end = this.#take();
    // The turn itself has led to another state, which stays.
    if (this.state !== 'running') return;
    if (end === 'blocked') return this.#enter(end);
    if (end === 'more') return this.#schedule();
    this.#enter('waiting');
    this.#timer = this.#clock.after(end.waitMs, () => this.now());
  }

  /** Asks for a turn, after the turns of others. */
  soon(): void {
    if (this.#state === 'scheduled' || this.#state === 'deciding' || !this.hasNext) return;
    this.#schedule();
  }

  /** The reason why the generator was blocked may be gone. */
  roomMade(): void {
    if (this.#state === 'blocked') this.#schedule();
  }

  /** Takes no turn until the decision to end is durable. */
  decide(): void {
    if (this.hasNext) this.#enter('deciding');
  }

  decided(): void {
    if (this.#state !== 'deciding') return;
    this.#enter('idle');
    this.now();
  }

  beginEnding(): void {
    if (this.hasNext) this.#enter('ending');
  }

  close(): void {
    this.#enter('over');
  }

  #schedule(): void {
    this.#enter('scheduled');
    this.#clock.soon(() => {
      if (this.#state === 'scheduled') this.now();
    });
  }

  #enter(state: TurnState): void {
    this.#timer?.clear();
    this.#timer = null;
    this.#state = state;
  }
}
