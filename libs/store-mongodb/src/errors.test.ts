import { problem } from '@slipway/contract-kit/problem';
import { expect, it } from 'vitest';
import { isConflict, isDuplicate, isVerdict } from './errors.ts';

const withCode = (code: unknown) => Object.assign(new Error('from the driver'), { code });

it('takes what a server decided for a verdict', () => {
  for (const code of [11_000, 13, 121, 72]) expect(isVerdict(withCode(code))).toBe(true);
  expect(isVerdict(problem('version_mismatch'))).toBe(true);
});

it('takes our own mistakes for what they are', () => {
  expect(isVerdict(new TypeError('x is not a function'))).toBe(true);
});

it('takes a dropped socket, a deadline and a server that steps down or stops for one that is away', () => {
  const faults = [
    new Error('Client network socket disconnected before secure TLS connection was established'),
    withCode('ECONNRESET'),
    new DOMException('timed out', 'TimeoutError'),
    ...[1, 8, 10_107, 189, 91, 11_600, 11_602, 13_435, 13_436, 50, 64, 262].map(withCode),
  ];
  for (const fault of faults) expect(isVerdict(fault)).toBe(false);
});

it('knows a write that lost against another and may be sent again', () => {
  for (const code of [112, 16_908_292]) expect(isConflict(withCode(code))).toBe(true);
  for (const code of [11_000, 'ECONNRESET', undefined]) expect(isConflict(withCode(code))).toBe(false);
});

it('knows a duplicate from other verdicts', () => {
  expect(isDuplicate(withCode(11_000))).toBe(true);
  expect(isDuplicate(withCode(121))).toBe(false);
});
