import type { SystemReading } from '@slipway/contracts/gateway';
import { type EventStream, formatEvent } from '@slipway/platform/http/event-stream';

/** Interval between two readings while somebody looks; milliseconds. */
const interval = 1_000;
/** How long readings go on after the last viewer left: one whose connection broke comes back soon; milliseconds. */
const lingerMs = 10_000;
/** Readings that are stored for viewers who connect again: those of five minutes. */
const maxStored = 300;

type LiveOptions = {
  read: () => Promise<SystemReading>;
  maxViewers: number;
  /** Changes for tests; milliseconds. */
  intervalMs?: number;
  lingerMs?: number;
};

/**
 * Reads the system once a second while there are viewers, and sends each reading to all of them. Its text is made once
 * for all.
 */
export class LiveSystem {
  readonly #options: LiveOptions;
  /** The streams, each with the client that reads it. */
  readonly #viewers = new Map<EventStream, string>();
  #stored: { id: number; event: string }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isReading = false;
  #isClosed = false;
  #leftAt = 0;

  constructor(options: LiveOptions) {
    this.#options = options;
  }

  /**
   * Returns whether a client may have another viewer; false once it is closed. One client gets half of the places, so it
   * cannot take the last one.
   */
  hasRoomFor(client: string): boolean {
    const { maxViewers } = this.#options;
    const own = [...this.#viewers.values()].filter((each) => each === client).length;
    return !this.#isClosed && this.#viewers.size < maxViewers && own < Math.ceil(maxViewers / 2);
  }

  /**
   * Adds a viewer.
   *
   * @param client identifies whose viewer it is, such as a network
   * @param after the id of the last reading that the viewer has; absent for a new viewer, who gets the newest
   */
  add(viewer: EventStream, client: string, after?: number): void {
    this.#viewers.set(viewer, client);
    viewer.onClose(() => {
      this.#viewers.delete(viewer);
      if (this.#viewers.size === 0) this.#leftAt = performance.now();
    });
    const newest = this.#isReading ? this.#stored.slice(-1) : [];
    const missed = after === undefined ? newest : this.#stored.filter(({ id }) => id > after);
    for (const { event } of missed) viewer.send(event);
    if (!this.#isReading) void this.#run();
  }

  /** Ends all streams, and accepts no more: browsers connect to another replica. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const viewer of this.#viewers.keys()) viewer.end();
  }

  async #run(): Promise<void> {
    this.#isReading = true;
    await this.#read().catch(() => undefined);
    if (this.#isClosed) return;
    const { intervalMs = interval, lingerMs: linger = lingerMs } = this.#options;
    if (this.#viewers.size > 0 || performance.now() - this.#leftAt < linger) {
      this.#timer = setTimeout(() => void this.#run(), intervalMs).unref();
    } else {
      this.#isReading = false;
    }
  }

  async #read(): Promise<void> {
    const reading = await this.#options.read();
    const id = Math.max(Date.parse(reading.at), (this.#stored.at(-1)?.id ?? 0) + 1);
    const event = formatEvent(id, JSON.stringify(reading));
    this.#stored.push({ id, event });
    if (this.#stored.length > maxStored) this.#stored.shift();
    for (const viewer of this.#viewers.keys()) viewer.send(event);
  }
}
