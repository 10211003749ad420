import { describe, expect, it } from 'vitest';
import { checkDepth } from './json-depth.ts';

const nested = (depth: number) => `${'{"a":['.repeat(depth / 2)}1${']}'.repeat(depth / 2)}`;

describe('the depth of JSON', () => {
  it('may be 32 levels', () => {
    expect(() => checkDepth(nested(32))).not.toThrow();
    expect(() => checkDepth(nested(34))).toThrow('must not be nested more than 32 levels deep');
  });

  it('counts levels and not brackets', () => {
    expect(() => checkDepth(`[${'[],{},'.repeat(100)}1]`)).not.toThrow();
  });

  it('does not count what is within a text', () => {
    expect(() => checkDepth(JSON.stringify([`"${'['.repeat(100)}\\`, '\\"', '[{'.repeat(50)]))).not.toThrow();
    expect(() => checkDepth(`["\\\\",${nested(32)}]`)).toThrow();
  });

  it('is found in a text that is no JSON', () => {
    expect(() => checkDepth('['.repeat(1_000_000))).toThrow();
    expect(() => checkDepth(']'.repeat(1_000_000))).not.toThrow();
    expect(() => checkDepth('"\\')).not.toThrow();
  });
});
