import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createProgress } from './progress.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function terminal(isTTY: boolean) {
  const written: string[] = [];
  const out = { isTTY, write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream;
  return { out, written };
}

it('work of less than two seconds has no progress', () => {
  const { out, written } = terminal(true);
  const progress = createProgress(out);
  progress.show('Exporting');
  vi.advanceTimersByTime(1_900);
  progress.end();
  vi.advanceTimersByTime(10_000);
  expect(written).toEqual([]);
});

it('longer work has one line, which is removed at the end', () => {
  const { out, written } = terminal(true);
  const progress = createProgress(out);
  progress.show('Exporting: 1 event');
  vi.advanceTimersByTime(2_500);
  progress.show('Exporting: 2 events');
  vi.advanceTimersByTime(500);
  progress.end();
  expect(written.join('')).toMatch(/Exporting: 1 event ….*\r.*Exporting: 2 events …\r\S*$/);
});

it('has few lines if there is no terminal', () => {
  const { out, written } = terminal(false);
  const progress = createProgress(out);
  progress.show('Spark starts, and answers');
  vi.advanceTimersByTime(15_000);
  progress.end();
  expect(written).toEqual(['Spark starts, and answers …\n', 'Spark starts, and answers …\n']);
});
