import { describe, expect, it } from 'vitest';
import { takeBreaks } from './breaks.ts';

describe('breaks of a long piece of work', () => {
  it('are due after 5 ms of work, and then after 5 ms more', async () => {
    let time = 0;
    const breakDue = takeBreaks(() => time);
    time = 4;
    expect(breakDue()).toBeUndefined();
    time = 6;
    await breakDue();
    time = 10;
    expect(breakDue()).toBeUndefined();
    time = 11;
    expect(breakDue()).toBeInstanceOf(Promise);
  });

  it('let the event loop turn', async () => {
    let time = 0;
    const breakDue = takeBreaks(() => (time += 10));
    let turned = false;
    setImmediate(() => {
      turned = true;
    });
    await breakDue();
    expect(turned).toBe(true);
  });
});
