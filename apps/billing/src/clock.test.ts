import { describe, expect, it } from 'vitest';
import { refuseFuture, systemClock } from './clock.ts';

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

  it('may be ahead by up to a year for tests', () => {
    expect(refused(true, 365 * day)).toBeUndefined();
    expect(refused(true, 367 * day)).toMatchObject({ code: 'invalid_request' });
  });
});
