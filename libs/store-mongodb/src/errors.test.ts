import { problem } from '@slipway/contract-kit/problem';
import { expect, it } from 'vitest';
import { isConflict, isDuplicate, isVerdict } from './errors.ts';

const withCode = (code: unknown) => Object.assign(new Error('from the driver'), { code });

it('recognizes a response of the server', () => {
  for (const code of [11_000, 13, 121, 72]) expect(isVerdict(withCode(code))).toBe(true);
  expect(isVerdict(problem('version_mismatch'))).toBe(true);
});

it('recognizes our own mistakes', () => {
  expect(isVerdict(new TypeError('x is not a function'))).toBe(true);
});

it('recognizes an unavailable server by a closed socket, a deadline, a step-down or a shutdown', () => {
  const faults = [
    new Error('Client network socket disconnected before secure TLS connection was established'),
    withCode('ECONNRESET'),
    new DOMException('timed out', 'TimeoutError'),
    ...[1, 8, 10_107, 189, 91, 11_600, 11_602, 13_435, 13_436, 50, 64, 262].map(withCode),
  ];
  for (const fault of faults) expect(isVerdict(fault)).toBe(false);
});

it('recognizes a write that lost against another and may be repeated', () => {
  for (const code of [112, 16_908_292]) expect(isConflict(withCode(code))).toBe(true);
  for (const code of [11_000, 'ECONNRESET', undefined]) expect(isConflict(withCode(code))).toBe(false);
});

it('tells a duplicate from other responses', () => {
  expect(isDuplicate(withCode(11_000))).toBe(true);
  expect(isDuplicate(withCode(121))).toBe(false);
});
