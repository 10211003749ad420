import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { foreignErrors, foreignKinds } from './foreign-kinds.ts';
import { type Manifest, parse } from './render.ts';

const files = globSync(`${import.meta.dirname}/../../k8s/{components/linkerd,overlays/gke}/**/*.yaml`);
const manifests = files.flatMap((file) => parse(readFileSync(file, 'utf8')));
const ofKind = (name: string) => manifests.filter(({ apiVersion, kind }) => `${apiVersion}/${kind}` === name);

/** Copies of an object, in each of which one field has one letter too many; labels have names of their own. */
function misspelt(value: unknown): unknown[] {
  if (Array.isArray(value))
    return value.flatMap((item, at) => misspelt(item).map((wrong) => value.with(at, wrong)));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const { [key as keyof typeof value]: _, ...others } = value;
    const within = key === 'matchLabels' ? [] : misspelt(inner);
    return [{ ...others, [`${key}s`]: inner }, ...within.map((wrong) => ({ ...others, [key]: wrong }))];
  });
}

describe.each(foreignKinds)('the manifests of kind %s', (name) => {
  const [first, ...more] = ofKind(name);

  it('have only fields that there are', () => {
    expect(first).toBeDefined();
    expect(foreignErrors(ofKind(name))).toEqual([]);
  });

  it('are refused when any field is misspelt', () => {
    for (const manifest of [first, ...more]) {
      const { spec, ...rest } = manifest as Manifest & { spec: object };
      const copies = misspelt({ spec }) as { spec: object }[];
      expect(copies.length).toBeGreaterThan(2);
      for (const copy of copies) {
        const errors = foreignErrors([{ ...rest, ...copy }]);
        expect(errors, JSON.stringify(copy)).not.toEqual([]);
      }
    }
  });
});
