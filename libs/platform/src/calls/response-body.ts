import type { Writable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { endOfIteration } from '../core/end-of-iteration.ts';

/** Bytes that may wait for their reader before the service is paused. */
const maxWaiting = 65_536;

/** Bytes up to which a complete body is written as a string, and may wait to be written together with others. */
const smallBody = 16_384;

/** Takes a body, part by part. */
type Reader = {
  /** Returns false to pause the body until `ResponseBody` is told to resume. */
  take(chunk: Buffer): boolean;
  end(): void;
  fail(reason: unknown): void;
};

/** Reads a discarded body, so that its connection can be used again. */
const nobody: Reader = { take: () => true, end: () => undefined, fail: () => undefined };

/** The maximum size of a body that is read into memory, and the error of one that is larger. */
type Limit = { bytes: number; error: () => Error };

/**
 * The body of a response, as undici receives it. A stream of Node would cost as much as all rules of a call together; a
 * small body is usually complete before its reader sees the head, and is then passed on in one piece.
 *
 * It must be read with `text`, `pipeTo` or `dump`, or destroyed; until then it occupies a connection.
 */
export class ResponseBody {
  readonly #control: Pick<Dispatcher.DispatchController, 'pause' | 'resume' | 'abort'>;
  readonly #listeners: (() => void)[] = [];
  #isClosed = false;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #reader: Reader | undefined;
  /** Whether the reader wants no more for now. */
  #isHeld = false;
  #hasEnded = false;
  #failure: { reason: unknown } | undefined;

  constructor(control: Dispatcher.DispatchController) {
    this.#control = control;
  }

  /** Calls `listener` when all was read, or the body has failed or was destroyed; at once if that was before. */
  onClose(listener: () => void): void {
    if (this.#isClosed) listener();
    else this.#listeners.push(listener);
  }

  /** Returns the body as text. Rejects if it breaks off, or exceeds the limit. */
  text(limit?: Limit): Promise<string> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    return new Promise((resolve, reject) => {
      this.#readWith({
        take: (chunk) => {
          bytes += chunk.length;
          chunks.push(chunk);
          if (!limit || bytes <= limit.bytes) return true;
          reject(limit.error());
          this.destroy();
          return false;
        },
        end: () => resolve(Buffer.concat(chunks).toString()),
        fail: reject,
      });
    });
  }

  /**
   * Writes the body to a stream, not faster than that takes it, and ends the stream. If the body breaks off, the stream
   * is destroyed, after `onBroken` was called.
   */
  pipeTo(target: Writable, onBroken?: (reason: unknown) => void): void {
    if (this.#hasEnded && this.#waiting.length < 2) {
      const [all] = this.#waiting;
      if (all && all.length > smallBody) target.end(all);
      // Node writes a string in one piece with the head of a response, and a buffer in two.
      else endOfIteration().then(() => target.end(all?.toString('latin1'), 'latin1'));
      this.#close();
      return;
    }
    target.on('drain', () => this.#resume());
    this.#readWith({
      take: (chunk) => target.write(chunk),
      end: () => target.end(),
      fail: (reason) => {
        onBroken?.(reason);
        target.destroy();
      },
    });
  }

  /** Discards the body. */
  async dump(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#readWith({ ...nobody, end: resolve, fail: () => resolve() });
    });
  }

  /** Ends the call, and closes its connection unless the body was complete. */
  destroy(reason = new Error('The body was not read')): void {
    if (!this.#hasEnded) this.#control.abort(reason);
    this.fail(reason);
  }

  /** Called with each part that arrives. */
  push(chunk: Buffer): void {
    if (this.#failure) return;
    if (this.#reader && !this.#isHeld) {
      this.#isHeld = !this.#reader.take(chunk);
    } else {
      this.#waiting.push(chunk);
      this.#waitingBytes += chunk.length;
    }
    if (this.#isHeld || this.#waitingBytes > maxWaiting) this.#control.pause();
  }

  /** Called when all has arrived. */
  end(): void {
    this.#hasEnded = true;
    this.#endIfRead();
  }

  /** Called when no more will arrive: what waits is lost, as in a stream of Node that is destroyed. */
  fail(reason: unknown): void {
    if (this.#isClosed) return;
    this.#failure = { reason };
    this.#waiting = [];
    this.#reader?.fail(reason);
    this.#close();
  }

  #readWith(reader: Reader): void {
    this.#reader = reader;
    if (this.#failure) reader.fail(this.#failure.reason);
    else this.#resume();
  }

  #resume(): void {
    if (this.#failure) return;
    this.#isHeld = false;
    while (!this.#isHeld) {
      const chunk = this.#waiting.shift();
      if (!chunk) break;
      this.#waitingBytes -= chunk.length;
      this.#isHeld = this.#reader?.take(chunk) === false;
    }
    if (!this.#isHeld) this.#control.resume();
    this.#endIfRead();
  }

  #endIfRead(): void {
    if (!this.#hasEnded || !this.#reader || this.#waiting.length > 0 || this.#isClosed) return;
    this.#reader.end();
    this.#close();
  }

  #close(): void {
    this.#isClosed = true;
    for (const listener of this.#listeners) listener();
  }
}
