import { describe, expect, it } from 'vitest';
import { createLogs, timestamp } from './log.ts';

function logTo(level = 'info') {
  const written: string[] = [];
  const flushed: number[] = [];
  const destination = {
    write: (line: string) => written.push(line),
    flush: () => flushed.push(written.length),
  };
  const lines = () => written.map((line) => JSON.parse(line));
  return { ...createLogs('sample', level, destination), lines, flushed };
}

describe('the log', () => {
  it('writes one JSON object a line: level, time, service, message', () => {
    const { log, lines } = logTo();
    log.warn({ attempt: 2 }, 'again');
    expect(lines()).toEqual([
      expect.objectContaining({ level: 'warn', service: 'sample', msg: 'again', attempt: 2 }),
    ]);
    expect(new Date(lines()[0].time).getTime()).toBeGreaterThan(Date.now() - 60_000);
  });

  it('leaves out what is less severe than its level', () => {
    const { log, requests, lines } = logTo('warn');
    log.info('quiet');
    requests.info('quiet');
    expect(lines()).toEqual([]);
  });

  it.each(['password', 'token', 'accessToken', 'refreshToken', 'secret', 'authorization', 'cookie', 'email'])(
    'masks %s, however deep within two objects it is',
    (name) => {
      const { log, lines } = logTo();
      log.info(
        { [name]: 'swordfish', user: { [name]: 'swordfish', session: { [name]: 'swordfish' } } },
        'hm',
      );
      expect(JSON.stringify(lines())).not.toContain('swordfish');
      expect(lines()[0].user.session[name]).toBe('***');
    },
  );

  it('is out at once, and takes the lines of requests that are held back along, in their order', () => {
    const { log, requests, lines, flushed } = logTo();
    requests.info('first');
    expect(flushed).toEqual([]);
    log.info('second');
    expect(flushed).toEqual([2]);
    expect(lines().map(({ msg }) => msg)).toEqual(['first', 'second']);
  });
});

describe('the time of a line', () => {
  it.each([0, 7, 42, 999, 1_000, 1_001, 86_399_999, 1_771_372_800_123, 999])(
    '%i is as Date writes it',
    (now) => {
      expect(timestamp(now)).toBe(new Date(now).toISOString());
    },
  );
});
