import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { withDuckDB } from './duckdb.ts';

describe('DuckDB', () => {
  it('names the settings that give it more memory, if a statement needs more than it has', async () => {
    // A list cannot be written to disk.
    const sql = 'SELECT len(list(range)) FROM range(50_000_000)';
    const options = { temporaryFolder: tmpdir(), memory: '20MB' };
    const failure = await withDuckDB(options, (duckdb) => duckdb.query(sql)).catch((error) => error);
    expect(failure.message).toBe(
      'DuckDB needs more memory than 20MB; raise ANALYTICS_MEMORY, or --memory of the command.',
    );
    expect(String(failure.cause)).toContain('Out of Memory Error');
  });

  it('reports another failure of a statement as it is', async () => {
    const wrong = withDuckDB({ temporaryFolder: tmpdir() }, (duckdb) => duckdb.run('SELECT nothing'));
    await expect(wrong).rejects.toThrow('nothing');
  });
});
