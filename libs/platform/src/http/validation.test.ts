import { Type } from '@slipway/contract-kit/type';
import { describe, expect, it } from 'vitest';
import { createCheck, createValidators } from './validation.ts';

const compile = createValidators();
const check = (schema: object) => {
  const validate = compile({ schema, method: 'POST', url: '/', httpPart: 'body' });
  return (input: unknown) => ({ fits: validate(input) as unknown, errors: validate.errors?.length });
};

describe('a time in a body', () => {
  const time = check(Type.String({ format: 'date-time' }));

  it('fits if the rules can read it', () => {
    expect(time('2026-11-28T01:00:00Z').fits).toBe(true);
    expect(time('2026-11-28 01:00:00+0100').fits).toBe(true);
  });

  it.each(['2026-11-28\t01:00:00Z', '2026-11-28T01:00:60Z', '9999-12-31T23:59:59-01:00'])(
    'does not fit if they cannot: %j',
    (text) => {
      expect(time(text).fits).toBe(false);
    },
  );
});

describe('the errors of a body', () => {
  const things = check(Type.Object({ roles: Type.Array(Type.Enum(['a', 'b']), { uniqueItems: true }) }));

  it('are found however deeply the body is nested', () => {
    const deep = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000));
    expect(things(deep)).toEqual({ fits: false, errors: 1 });
    expect(things({ roles: [deep, deep] }).fits).toBe(false);
  });

  it('are all named only in an input of few values: each costs time', () => {
    expect(things({ roles: Array(1_000).fill('x') }).errors).toBeGreaterThan(999);
    for (const roles of [Array(2_000).fill({}), Array(500_000).fill(1)]) {
      expect(things({ roles })).toEqual({ fits: false, errors: 1 });
    }
  });
});

describe('a check of data from another process', () => {
  it('accepts only what fits its schema', () => {
    const isCount = createCheck<{ count: number }>(Type.Object({ count: Type.Integer() }));
    expect(isCount({ count: 1, more: true })).toBe(true);
    for (const data of [{ count: '1' }, {}, undefined, null]) expect(isCount(data)).toBe(false);
  });
});
