import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keepSecrets } from '../../scripts/secrets.ts';
import { type System, startSystem } from '../support/system.ts';

const root = join(import.meta.dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');

describe('the README', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'slipway-readme-'));
  let system: System;
  beforeAll(async () => {
    system = await startSystem({ dataDir, secrets: keepSecrets(dataDir, {}) });
  });
  afterAll(async () => {
    await system.stop();
    rmSync(dataDir, { recursive: true });
  });

  it('walks through the system with commands that work as they are written', async () => {
    const commands = [...readme.matchAll(/```sh\n(.*?)```/gs)].map(([, block]) => block).join('\n');
    const here = commands
      .replace('http://127.0.0.1:8080', system.base)
      .replaceAll('data/secrets.json', join(dataDir, 'secrets.json'));
    const run = promisify(execFile)('bash', ['-euo', 'pipefail', '-c', here], { timeout: 60_000 });
    const { stdout } = await run;
    expect(stdout).toContain('"accepted":999');
    expect(stdout).toContain('"code":"invoices_open"');
    expect(stdout).toContain('"status":"succeeded"');
    expect(stdout).toMatch(/^period,planId,currency,paid,refunded,net/m);
  });

  it('names only npm scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object };
    const named = [...readme.matchAll(/npm run (\w+)/g)].map(([, name]) => name);
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining([...named, 'start', 'test']));
  });
});
