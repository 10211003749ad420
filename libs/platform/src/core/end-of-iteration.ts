let end: Promise<void> | undefined;

/**
 * Resolves when Node has read what has arrived in this event-loop iteration. What is then written goes out together:
 * the first of several messages wakes the process that waits for them, which costs more than the message itself, and the
 * next ones find it awake. After the flush consolidation of Netty
 * (https://netty.io/4.2/api/io/netty/handler/flush/FlushConsolidationHandler.html).
 *
 * @example
 * endOfIteration().then(() => response.end('done'));
 */
export function endOfIteration(): Promise<void> {
  end ??= new Promise((resolve) => {
    setImmediate(() => {
      end = undefined;
      resolve();
    });
  });
  return end;
}
