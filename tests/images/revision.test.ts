import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** The files that .dockerignore lets into an image. */
const letIn = readFileSync(`${root}/.dockerignore`, 'utf8').match(/(?<=^!).+/gm) ?? [];
const sources = ['Dockerfile', '.dockerignore', ...letIn];

describe('the revision of an image', () => {
  const copy = mkdtempSync(join(tmpdir(), 'slipway-revision-'));
  const fileOf = (path: string) => join(copy, /\.|Dockerfile/.test(path) ? path : `${path}/file.ts`);
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=test', '-c', 'user.email=test@example.com', ...args], {
      cwd: copy,
      encoding: 'utf8',
    }).trim();

  /** Returns the revision that `npm run images` passes to a fake Docker. */
  function revision(): string {
    const env = { ...process.env, PATH: [`${copy}/bin`, process.env.PATH].join(delimiter) };
    const script = `${root}/scripts/images.ts`;
    const printed = execFileSync(process.execPath, [script, 'users'], { cwd: copy, env, encoding: 'utf8' });
    return /REVISION=(\S+)/.exec(printed)?.[1] ?? '';
  }

  beforeAll(() => {
    for (const path of [...sources, 'docs']) {
      mkdirSync(dirname(fileOf(path)), { recursive: true });
      writeFileSync(fileOf(path), 'committed');
    }
    mkdirSync(`${copy}/bin`);
    writeFileSync(`${copy}/bin/docker`, '#!/bin/sh\necho "$@"\n');
    chmodSync(`${copy}/bin/docker`, 0o755);
    git('init', '--quiet');
    git('add', '.');
    git('commit', '--quiet', '--message', 'test');
  });
  afterAll(() => rmSync(copy, { recursive: true }));

  it('is that of git, also when a document has changed', () => {
    expect(letIn).toContain('package.json');
    expect(revision()).toBe(git('rev-parse', 'HEAD'));
    writeFileSync(fileOf('docs'), 'changed');
    expect(revision()).toBe(git('rev-parse', 'HEAD'));
  });

  it.each(sources)('says so when %s has changed', (path) => {
    writeFileSync(fileOf(path), 'changed');
    expect(revision()).toBe(`${git('rev-parse', 'HEAD')}-changed`);
    git('checkout', '--quiet', '.');
  });
});
