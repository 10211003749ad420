import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureSecrets } from '../../scripts/secrets.ts';
import { type System, startSystem } from '../support/system.ts';

const root = join(import.meta.dirname, '../..');
const pageOf = (path: string) => readFileSync(join(root, path), 'utf8');

describe('a page with commands', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'slipway-pages-'));
  let system: System;
  beforeAll(async () => {
    system = await startSystem({ dataDir, secrets: ensureSecrets(dataDir, {}) });
  });
  afterAll(async () => {
    await system.stop();
    rmSync(dataDir, { recursive: true });
  });

  /** Runs the `sh` blocks of a page in one shell, against the system of this test. */
  async function outputOf(path: string): Promise<string> {
    const commands = [...pageOf(path).matchAll(/```sh\n(.*?)```/gs)].map(([, block]) => block).join('\n');
    const here = commands
      .replace('http://127.0.0.1:8080', system.base)
      .replace('http://127.0.0.1:4101', system.services.users.management)
      .replaceAll('data/secrets.json', join(dataDir, 'secrets.json'));
    const options = { timeout: 120_000, cwd: root };
    const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', here], options);
    return stdout;
  }

  it('walks through the system in the README', async () => {
    const stdout = await outputOf('README.md');
    expect(stdout).toContain('"accepted":999');
    expect(stdout).toContain('"code":"invoices_open"');
    expect(stdout).toContain('"status":"succeeded"');
    expect(stdout).toMatch(/^period,planId,currency,paid,refunded,net/m);
  });

  it('shows each stop of the tour', { timeout: 120_000 }, async () => {
    const stdout = await outputOf('docs/tour.md');
    expect(stdout).toMatch(/^x-correlation-id: /m);
    expect(stdout).toContain('"code":"not_found"');
    expect(stdout).toMatch(/^outbox_deliveries_total.*delivered/m);
    expect(stdout).toMatch(/^http_server_requests_rejected_total.* 0$/m);
    expect(pageOf('docs/tour.md').match(/^## \d\. /gm)).toHaveLength(7);
  });

  it('names in the README only npm scripts that exist', () => {
    const readme = pageOf('README.md');
    const { scripts } = JSON.parse(pageOf('package.json')) as { scripts: object };
    const named = [...readme.matchAll(/npm run (\w+)/g)].map(([, name]) => name);
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining([...named, 'start', 'test']));
  });
});
