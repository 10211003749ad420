import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureSecrets } from '../../scripts/secrets.ts';
import { serviceNames } from '../../scripts/system.ts';
import { localPorts } from '../../scripts/topology.ts';
import { isLab } from '../labs/pages.ts';
import { type System, startSystem } from '../support/system.ts';
import { root } from './decisions.ts';
import { allFences, commandsOf, isRun, isShell, parseFences, runnersOf, runsOf } from './fences.ts';
import { inlineCommands, missingFrom } from './inline.ts';
import { isPartOf } from './listings.ts';
import { notRunBy } from './run-by.ts';
import { type Place, runPage } from './run-page.ts';

const minutes = 60_000;

describe('the commands of a page, on processes', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'slipway-pages-'));
  let system: System;
  beforeAll(async () => {
    system = await startSystem({ dataDir, secrets: ensureSecrets(dataDir, {}) });
  });
  afterAll(async () => {
    await system.stop();
    rmSync(dataDir, { recursive: true });
  });

  function here(): Place {
    const ports = serviceNames.flatMap((name) => {
      const { address, management } = system.services[name];
      return [
        [localPorts[name].port, new URL(address).host],
        [localPorts[name].management, new URL(management).host],
      ];
    });
    return {
      ports: Object.fromEntries(ports),
      words: { 'data/secrets.json': join(dataDir, 'secrets.json') },
      env: {
        ...process.env,
        MANAGEMENT_TOKEN: system.managementToken,
        // For `npm run jobs` and `npm run analytics`.
        DATA_DIR: dataDir,
        GATEWAY_PORT: new URL(system.base).port,
      },
    };
  }

  const others = runsOf('processes').filter(([page]) => !isLab(page));
  it.each(others)('run in %s', { timeout: 4 * minutes }, async (_page, fences) => {
    await runPage(fences, here());
  });
});

describe('every fence of the pages', () => {
  const shells = allFences.filter(isShell);

  it('that holds commands has a language, and runs or says why not', () => {
    const bare = shells.filter((fence) => fence.language === '' || runnersOf(fence).length !== 1);
    expect(bare.map(({ at }) => at)).toEqual([]);
  });

  it('that another test or script runs has commands that are there', () => {
    const named = shells.filter(({ attributes }) => attributes['run-by'] !== undefined);
    expect(named.flatMap((fence) => notRunBy(fence).map((command) => [fence.at, command]))).toEqual([]);
  });

  it('that runs is a block of commands', () => {
    expect(allFences.filter((fence) => isRun(fence) && !isShell(fence)).map(({ at }) => at)).toEqual([]);
  });

  it('in TypeScript is a part of the file that it names, or says why it names none', () => {
    const code = allFences.filter(({ language }) => language === 'ts');
    const unnamed = code.filter(({ attributes: { file, 'not-run': why } }) => Boolean(file) === Boolean(why));
    expect(unnamed.map(({ at }) => at)).toEqual([]);
    const listings = allFences.filter(({ attributes }) => attributes.file !== undefined);
    expect(listings).not.toEqual([]);
    expect(listings.filter((fence) => !isPartOf(fence)).map(({ at }) => at)).toEqual([]);
  });

  it('is counted: all commands run that can run here', () => {
    const countOf = (fences: typeof shells) => fences.flatMap(commandsOf).length;
    const notRun = shells.filter(({ attributes }) => attributes['not-run'] !== undefined);
    const groups = Object.groupBy(shells, (fence) => (isRun(fence) ? fence.tier : String(runnersOf(fence))));
    const counts = Object.entries(groups).map(([group, fences = []]) => `${countOf(fences)} ${group}`);
    const all = countOf(shells);
    console.log(`commands run: ${all - countOf(notRun)} of ${all} (${counts.join(', ')})`);
    const reasons = new Set(notRun.map(({ attributes }) => attributes['not-run']));
    expect([...reasons].sort()).toEqual([
      'needs Linkerd; tests/manifests checks its component',
      'needs a Google Cloud project',
      'takes minutes',
    ]);
  });
});

describe('a fence', () => {
  it('has the words in its braces', () => {
    const [fence] = parseFences(
      '\n```sh {run, tier=compose, prints=/a, "b"/, prints=/c$/}\nls\n```\n',
      'x.md',
    );
    expect(fence).toMatchObject({ at: 'x.md:2', language: 'sh', text: 'ls\n', tier: 'compose' });
    expect(fence?.prints).toEqual([/a, "b"/m, /c$/m]);
  });

  it.each([
    ['an unknown word', '```sh {runs}\n```', 'x.md:1: runs is not one of run'],
    ['an unknown tier', '```sh {run, tier=moon}\n```', 'x.md:1: moon is not a tier'],
    ['a pattern that does not end', '```sh {run, prints=/a b}\n```', 'x.md:1: cannot read'],
  ])('with %s is an error', (_name, markdown, message) => {
    expect(() => parseFences(markdown, 'x.md')).toThrow(message);
  });
});

describe('a listing', () => {
  const isListing = (file: string, ...lines: string[]) =>
    parseFences(`\`\`\`json {file=${file}}\n${lines.join('\n')}\n\`\`\`\n`, 'x.md').every(isPartOf);

  it('is the lines that it names', () => {
    expect(isListing('package.json#L2', '  "name": "slipway",')).toBe(true);
    expect(isListing('package.json#L3', '  "name": "slipway",')).toBe(false);
  });

  it('leaves lines out where it says so', () => {
    expect(isListing('package.json', '  "name": "slipway",', '  // …', '  "private": true,')).toBe(true);
    expect(isListing('package.json', '  "private": true,', '  // …', '  "name": "slipway",')).toBe(false);
    expect(isListing('package.json', '  "name": "slipway"')).toBe(false);
  });
});

describe('a command that .ci/run runs', () => {
  it.each([
    ['npm run check', true],
    ['npm run nothing', false],
    ['npm cit && npm run check   # both', true],
    ['npm cit && npm start', false],
    ['REQUIRE_IMAGES=1 npx vitest run --dir tests/images', true],
    ['NOTHING=1 npx vitest run --dir tests/images', false],
    ['npx vitest run --dir tests/nothing', false],
  ])('%s: %s', (command, isThere) => {
    const [fence] = parseFences(`\`\`\`sh {run-by=.ci/run}\n${command}\n\`\`\`\n`, 'x.md');
    expect(fence && notRunBy(fence)).toEqual(isThere ? [] : [command]);
  });
});

describe('a page that runs', () => {
  const run = (markdown: string) => runPage(parseFences(markdown, 'x.md'), { ports: { 8080: 'h:1' } });

  it('shares one shell between its blocks, at the addresses that are free here', async () => {
    const outputs = await run('```sh {run}\nA=localhost:8080\n```\n```sh {run}\necho $A\n```\n');
    expect(outputs).toEqual(['', 'h:1\n']);
  });

  it('fails where a command fails', async () => {
    await expect(run('```sh {run}\ntrue\n```\n\n```sh {run}\nfalse\n```\n')).rejects.toThrow(
      'x.md:5: a command',
    );
  });

  it('fails where a block does not print what it says', async () => {
    await expect(run('```sh {run, prints=/b/}\necho a\n```\n')).rejects.toThrow('x.md:1: no /b/m in\na');
  });

  it('starts a block in the background, waits for what it prints, and ends it', async () => {
    const long = '```sh {run, background, prints=/^up/}\necho up; sleep 600\n```\n';
    expect(await run(`${long}\`\`\`sh {run}\necho next\n\`\`\`\n`)).toEqual(['up\n', 'next\n']);
  });
});

it('has seven stops in the tour', () => {
  expect(readFileSync(join(root, 'docs/tour.md'), 'utf8').match(/^## \d\. /gm)).toHaveLength(7);
});

describe('a command in inline code', () => {
  it('names scripts, programs and files that exist', () => {
    expect(inlineCommands.length).toBeGreaterThan(30);
    const wrong = inlineCommands.filter(({ command }) => missingFrom(command) !== undefined);
    expect(wrong).toEqual([]);
  });

  it.each([
    ['npm run nothing', 'nothing'],
    ['npm nothing', 'nothing'],
    ['A=1 npx nothing run', 'nothing'],
    ['npx vitest run --dir tests/nothing', 'tests/nothing'],
    ['npm run -s nothing', 'nothing'],
    ['npm run check', undefined],
  ])('%s lacks %s', (command, missing) => {
    expect(missingFrom(command)).toBe(missing);
  });
});
