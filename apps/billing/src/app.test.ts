import { buildService } from '@slipway/platform/service/service';
import { readSettings } from '@slipway/platform/service/settings';
import { describe, expect, it, onTestFinished } from 'vitest';
import { billing } from './app.ts';

async function build(env: Record<string, string>) {
  const lines: string[] = [];
  const settings = { STORE_URL: 'sqlite::memory:', SERVICE_TOKEN: 'secret-between-services', ...env };
  const logTo = { write: (line: string) => lines.push(line) };
  const service = await buildService(billing, readSettings(billing.settings, settings), { logTo });
  onTestFinished(() => service.app.close());
  const warnings = lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 'warn');
  return { app: service.app, notices: service.lifecycle.notices, warnings: warnings.map(({ msg }) => msg) };
}

describe('the test clock', () => {
  it('is on only where the setting says so', async () => {
    const { notices, warnings } = await build({});
    expect({ notices, warnings }).toEqual({ notices: [], warnings: [] });
  });

  it('is announced by a warning and to everyone who looks at the system', async () => {
    const { notices, warnings } = await build({ BILLING_TEST_CLOCK: 'true' });
    expect(notices).toEqual([expect.stringContaining('The test clock is on')]);
    expect(warnings).toEqual(notices);
  });
});
