import { describe, expect, it } from 'vitest';
import { coverage } from './coverage.ts';

const mongodb = { TEST_MONGODB_URL: 'mongodb://127.0.0.1:27017' };
const both = { ...mongodb, DATASTORE_EMULATOR_HOST: '127.0.0.1:8081' };

describe('the last line of the tests', () => {
  it('says which stores were covered, and why the others were not', () => {
    expect(coverage(both).lines).toEqual(['stores: sqlite, mongodb, datastore covered']);
    expect(coverage(mongodb).lines).toEqual([
      'stores: sqlite, mongodb covered',
      'skipped: datastore (DATASTORE_EMULATOR_HOST is not set)',
    ]);
    expect(coverage({ TEST_MONGODB_URL: '' }).lines).toContain(
      'skipped: mongodb (TEST_MONGODB_URL is not set), datastore (DATASTORE_EMULATOR_HOST is not set)',
    );
  });

  it('misses only what was asked for', () => {
    expect(coverage({}).lacking).toEqual([]);
    expect(coverage({ ...mongodb, REQUIRE_STORES: 'sqlite, mongodb' }).lacking).toEqual([]);
    expect(coverage({ ...mongodb, REQUIRE_STORES: 'mongodb,datastore' }).lacking).toEqual(['datastore']);
    expect(coverage({ ...both, REQUIRE_STORES: 'mongdb' }).lacking).toEqual(['mongdb']);
  });
});
