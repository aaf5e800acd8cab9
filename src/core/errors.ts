/**
 * The three ways in which a process of stream-sum can fail, and the exit code of each.
 *
 * Expected outcomes (a refused append, a fenced shard) are unions, not exceptions. Everything that is thrown is one of
 * these errors.
 */

/** Exit codes of every command. Scripts depend on them: a number never changes its meaning. */
export const EXIT = {
  holds: 0,
  internal: 1,
  usage: 2,
  inconclusive: 3,
  violation: 10,
  regression: 11,
  fenced: 12,
} as const;

/** What kind of guarantee broke. */
export const VIOLATION_KINDS = [
  'lost',
  'duplicate',
  'phantom',
  'mismatched',
  'out-of-order',
  'gap',
  'late',
  'corrupt',
  'state-ahead',
  'state-behind',
  'stale-writer',
  'acknowledged-loss',
  'leak',
] as const;
export type ViolationKind = (typeof VIOLATION_KINDS)[number];

/** Where a violation was seen. A field that is not known is absent. */
export type ViolationWitness = {
  readonly journal?: string;
  /** Byte offset in the journal of the batch that shows it. */
  readonly offset?: number;
  /** File id, 32 hexadecimal digits. */
  readonly file?: string;
  /** Record index of the producer. */
  readonly index?: number;
};

/** Our own bug: never caught, ends the process with exit 1. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** A guarantee broke: ends the process with exit 10 after one line that names it. */
export class ViolationError extends Error {
  override readonly name = 'ViolationError';
  readonly kind: ViolationKind;
  readonly witness: ViolationWitness;

  constructor(kind: ViolationKind, detail: string, witness: ViolationWitness = {}) {
    super(detail);
    this.kind = kind;
    this.witness = witness;
  }

  /** One line: kind, journal, offset, file, index, then the detail. */
  get line(): string {
    const { journal, offset, file, index } = this.witness;
    const parts = [`violation=${this.kind}`];
    if (journal !== undefined) parts.push(`journal=${journal}`);
    if (offset !== undefined) parts.push(`offset=${offset}`);
    if (file !== undefined) parts.push(`file=${file}`);
    if (index !== undefined) parts.push(`index=${index}`);
    return `${parts.join(' ')} ${this.message}`;
  }
}

/** The world failed (disk, socket, another process): handled at a named place, else exit 1. */
export class OperatingError extends Error {
  override readonly name = 'OperatingError';
  /** `ERR_...`, stable. */
  readonly code: string;

  constructor(code: string, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}

const INTERRUPTED = 'ERR_INTERRUPTED';
/** Errors after which a run can no longer find violations. The run is INCONCLUSIVE; the program did not fail. */
const INCONCLUSIVE: ReadonlySet<string> = new Set([INTERRUPTED, 'ERR_PIN_EXPIRED']);

/** The user ended the run before it had a result: exit 3. */
export function interruptedError(): OperatingError {
  return new OperatingError(INTERRUPTED, 'interrupted');
}

/** The user asked for something impossible: one line, exit 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A newer owner replaced this process: one line, exit 12. This is not a violation. */
export class FencedError extends Error {
  override readonly name = 'FencedError';
}

/** The exit code that an error ends the process with. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof ViolationError) return EXIT.violation;
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof FencedError) return EXIT.fenced;
  if (error instanceof OperatingError && INCONCLUSIVE.has(error.code)) return EXIT.inconclusive;
  return EXIT.internal;
}
