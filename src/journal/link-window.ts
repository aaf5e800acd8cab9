/**
 * How much of a client's link may be on its way in either direction, so that a ping is answered in time over any link
 * that carries the load at all. A message arrives whole or not at all, and a ping waits behind everything that was sent
 * before it. So on a slow link both take as long as the bytes in front of them.
 *
 * The window is at its largest until a session ends in silence while something was on its way. Then it shrinks, and
 * batches above a quarter of it travel in parts. It grows again when half of it has passed and a ping was answered
 * quickly. It outlives sessions. Bound: the bytes sent and not yet confirmed by a pong, plus one part.
 */

/** Bytes on their way in one direction, at most. The broker ends a session that sends more between two pings. */
export const LINK_BYTES_MAX: number = 32 * 1024 * 1024;
/** The window of the slowest usable link, which carries as much within the limit of silence: about 8 KiB/s. */
export const LINK_BYTES_MIN: number = 16 * 1024;
const PARTS_PER_WINDOW = 4;
/**
 * By how much the window shrinks, and how quickly a ping must be answered for it to double. On a slow link the next
 * ping takes twice as long, which must be less than the limit of silence.
 */
const SHRINK = 4;
const QUICK_MS = 800;
/** A ping goes along whenever this part of the window was sent since the last ping. */
const PINGS_PER_WINDOW = 4;

type Ping = { readonly number: number; readonly sentBytes: number; readonly atNs: number };

export class LinkWindow {
  #bytes = LINK_BYTES_MAX;
  #pings: Ping[] = [];
  #lastPing = 0;
  /** In this session: bytes sent, bytes sent before the last ping, and bytes known to have arrived. */
  #sentBytes = 0;
  #pingedBytes = 0;
  #confirmedBytes = 0;
  /** Bytes sent and confirmed, or received, since the window has grown or begun. */
  #passedBytes = 0;

  /** Bytes that may be on their way in one direction. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A larger batch travels in parts of this size. */
  get partBytes(): number {
    return Math.floor(this.#bytes / PARTS_PER_WINDOW);
  }

  get hasRoom(): boolean {
    return this.#sentBytes - this.#confirmedBytes < this.#bytes;
  }

  get wantsPing(): boolean {
    return this.#sentBytes - this.#pingedBytes >= this.#bytes / PINGS_PER_WINDOW;
  }

  /** The number of the next ping. Its pong proves that everything sent before the ping has arrived. */
  get nextPing(): number {
    return this.#lastPing + 1;
  }

  /** A new session: nothing is on its way. */
  begin(): void {
    this.#pings = [];
    this.#sentBytes = 0;
    this.#pingedBytes = 0;
    this.#confirmedBytes = 0;
    this.#passedBytes = 0;
  }

  sent(bytes: number): void {
    this.#sentBytes += bytes;
  }

  received(bytes: number): void {
    this.#passedBytes += bytes;
  }

  /** A ping is sent now; returns its number. */
  ping(nowNs: number): number {
    this.#lastPing += 1;
    this.#pingedBytes = this.#sentBytes;
    this.#pings.push({ number: this.#lastPing, sentBytes: this.#sentBytes, atNs: nowNs });
    return this.#lastPing;
  }

  pong(number: number, nowNs: number): void {
    const at = this.#pings.findIndex((ping) => ping.number === number);
    const ping = this.#pings[at];
    if (ping === undefined) return;
    this.#pings.splice(0, at + 1);
    this.#passedBytes += ping.sentBytes - this.#confirmedBytes;
    this.#confirmedBytes = ping.sentBytes;
    if (nowNs - ping.atNs > QUICK_MS * 1e6 || this.#passedBytes < this.#bytes / 2) return;
    this.#bytes = Math.min(LINK_BYTES_MAX, this.#bytes * 2);
    this.#passedBytes = 0;
  }

  /** The session has ended in silence while up to `creditBytes` might have been on their way to the client. */
  lost(creditBytes: number): void {
    const underWay = Math.max(this.#sentBytes - this.#confirmedBytes, creditBytes);
    if (underWay === 0) return;
    this.#bytes = Math.max(LINK_BYTES_MIN, Math.floor(Math.min(this.#bytes, underWay) / SHRINK));
  }
}
