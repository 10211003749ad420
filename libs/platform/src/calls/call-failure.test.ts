import { problem } from '@slipway/contract-kit/problem';
import { describe, expect, it } from 'vitest';
import { callProblem, failureOf } from './call-failure.ts';

/** Makes an error as Node and undici throw it. */
const error = (facts: { code?: string; syscall?: string; name?: string }) =>
  Object.assign(new Error('failed'), facts);

const refused = error({ code: 'ECONNREFUSED', syscall: 'connect' });
const broken = error({ code: 'UND_ERR_SOCKET' });
const garbled = error({ name: 'HTTPParserError' });

describe('the failure of a call', () => {
  it.each([
    ['unreachable', refused],
    ['unreachable', error({ syscall: 'getaddrinfo' })],
    ['unreachable', error({ syscall: 'querySrv' })],
    ['unreachable', error({ syscall: 'queryA' })],
    ['unreachable', error({ syscall: 'queryAaaa' })],
    ['unreachable', error({ code: 'UND_ERR_CONNECT_TIMEOUT' })],
    ['unreachable', new AggregateError([error({}), refused])],
    ['connection_error', broken],
    ['connection_error', error({ syscall: 'read' })],
    ['connection_error', error({ syscall: 'write' })],
    ['invalid_response', garbled],
    ['invalid_response', error({ name: 'HeadersOverflowError' })],
    ['invalid_response', error({ name: 'ResponseContentLengthMismatchError' })],
    ['invalid_response', problem('upstream_failed')],
    [undefined, problem('unavailable')],
    [undefined, new AggregateError([error({})])],
    [undefined, error({ code: 'UND_ERR_ABORTED' })],
    [undefined, 'gone'],
  ])('is %s for %o', (failure, thrown) => {
    expect(failureOf(thrown)).toBe(failure);
  });

  it.each([
    [refused, { code: 'unavailable', retryAfter: 1, message: 'users cannot be reached' }],
    [broken, { code: 'upstream_failed', message: 'The connection to users broke' }],
    [garbled, { code: 'upstream_failed', message: 'The response of users is not valid HTTP' }],
  ])('is a problem that names the service, with the cause (%o)', (cause, expected) => {
    expect(callProblem('users', cause, false)).toMatchObject({ ...expected, cause });
  });

  it('is reported as it is if it is a problem already, or not the upstream’s', () => {
    for (const each of [problem('rate_limited'), new TypeError('a bug')]) {
      expect(callProblem('users', each, false)).toBe(each);
    }
  });

  it('is the client’s if its body was streamed, unless this service made an invalid request', () => {
    const ended = new Error('premature close');
    expect(callProblem('users', ended, true)).toMatchObject({
      ...{ code: 'invalid_request', message: 'The request body ended early', cause: ended },
    });
    const misuse = error({ code: 'UND_ERR_INVALID_ARG' });
    expect(callProblem('users', misuse, true)).toBe(misuse);
    expect(callProblem('users', refused, true)).toMatchObject({ code: 'unavailable' });
  });
});
