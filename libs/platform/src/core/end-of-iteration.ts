let end: Promise<void> | undefined;

/**
 * Resolves when Node has read what has arrived in this event-loop iteration. What is then written goes out together:
 * the first of several messages wakes the process that waits for them, which costs more than the message itself, and the
 * next ones find it awake (docs/decisions/0153-writing-together.md).
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
