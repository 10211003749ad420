import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const root = `${import.meta.dirname}/../../`;

describe('stores on MongoDB', () => {
  // An aggregate and its events are one document. Some servers accept a transaction and do not roll it back.
  it('need no transaction over documents', () => {
    const sources = globSync('{apps,libs}/*/src/**/*.ts', { cwd: root });
    expect(sources.length).toBeGreaterThan(100);
    const using = sources.filter((file) =>
      /\b(startTransaction|withTransaction|startSession|withSession)\b/.test(
        readFileSync(root + file, 'utf8'),
      ),
    );
    expect(using).toEqual([]);
  });
});
