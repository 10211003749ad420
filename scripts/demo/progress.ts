/** Shows the progress of the demo in the terminal. */
export type Progress = ReturnType<typeof createProgress>;

/** Milliseconds between two updates of a count. */
const updateInterval = 200;

/**
 * Creates what prints the steps of the demo. The count of a step is shown in a terminal only.
 *
 * @param steps number of steps
 * @example
 * const { count } = progress.step('Signing up 20 people');
 * count(5, 20); // [1/9] Signing up 20 people … 5 of 20, 2 a second
 */
export function createProgress(out: NodeJS.WriteStream, steps: number) {
  let step = 0;
  let shownAt = 0;
  const rewrite = (text: string) => {
    if (out.isTTY) out.write(`\r\u001b[2K${text}`);
  };

  return {
    /** Begins a step, and returns the functions that show its progress and its result. */
    step(title: string) {
      step += 1;
      const label = `[${step}/${steps}] ${title}`;
      const startedAt = Date.now();
      rewrite(label);
      return {
        count(done: number, all: number): void {
          if (Date.now() - shownAt < updateInterval) return;
          shownAt = Date.now();
          rewrite(
            `${label} … ${number(done)} of ${number(all)}, ${number(perSecond(done, startedAt))} a second`,
          );
        },
        /** Ends the step and prints its result. */
        done(result: string): void {
          rewrite('');
          out.write(`${label}: ${result}\n`);
        },
      };
    },
    say(text: string): void {
      out.write(`${text}\n`);
    },
  };
}

export function perSecond(done: number, startedAt: number): number {
  return Math.round((done * 1_000) / Math.max(1, Date.now() - startedAt));
}

export const number = (value: number) => value.toLocaleString('en');
