import { problem } from '@slipway/contract-kit/problem';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { attempt, describe as describeOn, type Outcome } from './attempt.ts';
import type { UpstreamRequest, UpstreamResponse } from './call.ts';
import type { Deadline } from './deadline.ts';

afterEach(() => vi.restoreAllMocks());

const refused = Object.assign(new Error('refused'), { syscall: 'connect' });
const broken = Object.assign(new Error('broken'), { code: 'UND_ERR_SOCKET' });
const garbled = Object.assign(new Error('garbled'), { name: 'HTTPParserError' });

const responseOf = (statusCode: number, headers = {}) =>
  ({ statusCode, headers, body: 'body' }) as unknown as UpstreamResponse;

type Given = {
  send: () => Promise<UpstreamResponse>;
  fair?: boolean;
  overdue?: boolean;
  method?: 'GET' | 'POST';
};

/** Makes an attempt of which the upstream is a function. */
function make({ send, fair = true, overdue = false, method = 'GET' }: Given) {
  const sender = { used: 0, send, close: async () => undefined };
  const deadline = { fair: () => fair, overdue: () => overdue } as Deadline;
  const request: UpstreamRequest = { method, path: '/' };
  return attempt(sender, request, deadline, async ({ body }) => body);
}

const answer = (status: number, headers = {}, given: Partial<Given> = {}) =>
  make({ send: async () => responseOf(status, headers), ...given });

const problemJson = { 'content-type': 'application/problem+json; charset=utf-8' };

describe('the outcome of an attempt', () => {
  it('is the response, and what was read of it', async () => {
    expect(await answer(200)).toMatchObject({ value: 'body', response: { statusCode: 200 } });
  });

  it.each([
    [200, {}, false],
    [404, {}, false],
    [409, {}, false],
    [409, { 'retry-after': '1' }, true],
    [500, {}, false],
    [501, {}, false],
    [502, {}, true],
    [503, problemJson, true],
    [504, {}, true],
  ])('for the status %i with the headers %j may be retried: %s', async (status, headers, transient) => {
    expect(await answer(status, headers)).toMatchObject({ transient });
    expect(await answer(status, headers, { method: 'POST' })).toMatchObject({ transient: false });
  });

  it.each([
    [200, {}, false],
    [500, {}, false],
    [502, {}, true],
    [502, { 'content-type': 'text/html' }, true],
    [502, problemJson, false],
    [503, {}, true],
    [503, problemJson, false],
    [504, problemJson, true],
  ])(
    'for the status %i with the headers %j counts against the upstream: %s',
    async (status, headers, failed) => {
      expect(await answer(status, headers)).toMatchObject({ failed });
    },
  );

  it('for the status 504 counts against the upstream only if it had enough time', async () => {
    expect(await answer(504, {}, { fair: false })).toMatchObject({ failed: false, transient: true });
  });

  it('includes how long the upstream asks to wait', async () => {
    expect(await answer(503, { 'retry-after': '2' })).toMatchObject({ after: 2_000 });
    expect(await answer(503)).toMatchObject({ after: undefined });
  });

  it.each([
    [499, true],
    [500, false],
  ])('for a rejection after %i ms may be retried: %s', async (ms, transient) => {
    let now = 1_000;
    vi.spyOn(performance, 'now').mockImplementation(() => now);
    const send = async () => {
      now += ms;
      return responseOf(503);
    };
    expect(await make({ send })).toMatchObject({ transient });
  });

  it.each([
    [refused, true],
    [broken, true],
    [garbled, false],
  ])('for the error "%s" counts against the upstream, and may be retried: %s', async (error, transient) => {
    const send = () => Promise.reject(error);
    expect(await make({ send })).toEqual({ failed: true, transient, error });
    expect(await make({ send, method: 'POST' })).toEqual({ failed: true, transient: false, error });
  });

  it('for an abort is the upstream’s only if its deadline has passed', async () => {
    const error = problem('deadline_exceeded');
    const send = () => Promise.reject(error);
    await expect(make({ send })).rejects.toBe(error);
    expect(await make({ send, overdue: true })).toEqual({ failed: true, transient: false, error });
  });
});

describe('the span of an attempt', () => {
  function spanOf(outcome: Partial<Outcome<string>>) {
    const facts: unknown[] = [];
    const span = {
      setAttribute(...attribute: unknown[]) {
        facts.push(attribute);
        return span;
      },
      setStatus: () => span,
    };
    describeOn(outcome as Outcome<string>, span as never);
    return JSON.stringify(facts);
  }

  it('has the status of the response, and has failed for a 5xx', () => {
    expect(spanOf({ response: responseOf(499) })).toBe('[["http.response.status_code",499]]');
    expect(spanOf({ response: responseOf(500) })).toContain('"error.type","500"');
  });

  it('has the error, if there was no response', () => {
    expect(spanOf({ error: problem('unavailable') })).toContain('"error.type","unavailable"');
  });
});
