/** Milliseconds before the first line is shown: short work needs none. */
const after = 2_000;
/** Milliseconds between two lines: in a terminal, which has one line for all of them, and elsewhere. */
const intervals = { terminal: 200, file: 10_000 };

/** Shows what takes long. In a terminal, a line replaces the one before. */
export function createProgress(out: NodeJS.WriteStream) {
  const startedAt = performance.now();
  let shownAt = Number.NEGATIVE_INFINITY;
  let latest: string | undefined;
  const write = () => {
    const now = performance.now();
    if (latest === undefined || now - startedAt < after) return;
    if (now - shownAt < (out.isTTY ? intervals.terminal : intervals.file)) return;
    shownAt = now;
    out.write(out.isTTY ? `\r\u001b[2K${latest} …` : `${latest} …\n`);
  };
  // Work that reports nothing for a while is shown, too.
  const timer = setInterval(write, 500).unref();

  return {
    show(text: string): void {
      latest = text;
      write();
    },
    end(): void {
      clearInterval(timer);
      if (out.isTTY && shownAt > 0) out.write('\r\u001b[2K');
    },
  };
}
