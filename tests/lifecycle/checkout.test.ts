import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';

const root = join(import.meta.dirname, '../..');
const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' });
const why = existsSync(join(root, '.git')) ? '' : ', skipped: this is a copy without git';

describe.skipIf(why)(`a checkout${why}`, () => {
  const files = why ? [] : git('ls-files', '-z').split('\0').filter(Boolean);

  it('has the same line ends on a machine where git makes CRLF of them', () => {
    const copy = mkdtempSync(join(tmpdir(), 'slipway-checkout-'));
    onTestFinished(() => rmSync(copy, { recursive: true }));
    const crlf = ['-c', 'core.autocrlf=true', '-c', 'core.eol=crlf'];
    git(...crlf, 'checkout-index', '--all', `--prefix=${copy}/`);
    expect(files.length).toBeGreaterThan(500);
    // The signature of a PNG has this line end, so that such a change of it is noticed.
    const texts = files.filter((file) => !file.endsWith('.png'));
    expect(texts.filter((file) => readFileSync(join(copy, file)).includes('\r\n'))).toEqual([]);
  });

  // `pathname` of a file's URL has %20 in the place of a space.
  it('takes no path from a URL, so that the name of its folder may have a space', () => {
    const sources = files.filter((file) => /\.(ts|js|mjs)$/.test(file));
    const wrong = /import\.meta\.url\)\s*\.pathname/;
    expect(sources.filter((file) => wrong.test(readFileSync(join(root, file), 'utf8')))).toEqual([]);
  });
});
