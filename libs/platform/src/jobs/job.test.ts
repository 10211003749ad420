import { describe, expect, it } from 'vitest';
import { checkJobs, defineJob, type Job, type JobOptions } from './job.ts';

const run = async () => undefined;
const valid: JobOptions = { name: 'daily', schedule: 'R/2026-01-01T01:15:00/P1D', run };

describe('the definition of a job', () => {
  it('has defaults', () => {
    expect(defineJob(valid)).toEqual({
      ...valid,
      ...{ timeZone: 'UTC', after: [], catchUp: 'last', retries: 3, timeoutMs: 60_000 },
    });
  });

  it.each<[string, Partial<JobOptions>]>([
    [
      'its schedule is wrong: the period "P1Q" must be an ISO 8601 duration',
      { schedule: 'R/2026-01-01T01:15:00/P1Q' },
    ],
    ['"Europe/Atlantis"', { timeZone: 'Europe/Atlantis' }],
    ['it needs a schedule or parents', { schedule: undefined }],
    ['its name must consist of lower-case letters', { name: 'Daily run' }],
    ['"daily" cannot be its parent', { after: ['daily'] }],
    ['"a/b/c" cannot be its parent', { after: ['a/b/c'] }],
    ['retries must be 0 or more', { retries: -1 }],
    ['timeoutMs must be from 1', { timeoutMs: 0 }],
    ['timeoutMs must be from 1', { timeoutMs: 2 ** 31 }],
  ])('stops the start with a sentence: %s', (sentence, wrong) => {
    const options = { ...valid, ...wrong };
    expect(() => defineJob(options)).toThrow(`The job "${options.name}" cannot be run: `);
    expect(() => defineJob(options)).toThrow(sentence);
  });
});

describe('the jobs of a service', () => {
  const job = (name: string, ...after: string[]) => defineJob({ ...valid, name, after });

  it('may have parents here and in other services', () => {
    const jobs = [job('a'), job('b', 'a', 'billing/cycle'), job('c', 'a', 'b')];
    expect(() => checkJobs(jobs, { service: 'reporting', publishes: ['a'] })).not.toThrow();
  });

  it.each<[string, Job[], string[]?]>([
    ['Two jobs are named "a".', [job('a'), job('a')]],
    ['The job "a" runs after "b", which does not exist.', [job('a', 'b')]],
    ['The job "a" runs after "users/b" of its own service: write "b".', [job('a', 'users/b'), job('b')]],
    ['The job "published" cannot be published: it does not exist.', [job('a')], ['published']],
    ['Jobs wait for each other: a → b → c → a.', [job('a', 'b'), job('b', 'c'), job('c', 'a')]],
  ])('stop the start: %s', (sentence, jobs, publishes: string[] = []) => {
    expect(() => checkJobs(jobs, { service: 'users', publishes })).toThrow(sentence);
  });
});
