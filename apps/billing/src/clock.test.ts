import { describe, expect, it } from 'vitest';
import { refuseFuture, refuseFutureRun, systemClock } from './clock.ts';

const day = 86_400_000;
const ahead = (ms: number) => new Date(Date.now() + ms).toISOString();
const refused = (isTest: boolean, ms: number) => {
  try {
    refuseFuture(systemClock(isTest), 'body.at', ahead(ms));
    return undefined;
  } catch (error) {
    return error;
  }
};

describe('a time that a caller names', () => {
  it('may be past, or ahead by what clocks differ', () => {
    expect(refused(false, -1_000 * day)).toBeUndefined();
    expect(refused(false, 4 * 60_000)).toBeUndefined();
    expect(refused(false, 6 * 60_000)).toMatchObject({
      code: 'invalid_request',
      fields: [{ field: 'body.at' }],
    });
  });

  it('may not be ahead at all for a billing run, unless the test clock is on', () => {
    const run = (isTest: boolean, ms: number) => () =>
      refuseFutureRun(systemClock(isTest), 'body.asOf', ahead(ms));
    expect(run(false, -1_000)).not.toThrow();
    expect(run(false, 2_000)).toThrow('body.asOf must not be in the future');
    expect(run(true, 365 * day)).not.toThrow();
    expect(run(true, 367 * day)).toThrow('body.asOf must not be in the future');
  });

  it('may be ahead by up to a year for tests', () => {
    expect(refused(true, 365 * day)).toBeUndefined();
    expect(refused(true, 367 * day)).toMatchObject({ code: 'invalid_request' });
  });
});
