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

describe('the job that starts billing runs', () => {
  const JOB_TOKEN = 'secret-of-the-billing-job';

  it('needs its own token and no person, and can do nothing else with it', async () => {
    const { app } = await build({ JOB_TOKEN });
    const status = async (url: string, token: string) => {
      const headers = { authorization: `Bearer ${token}` };
      return (await app.inject({ method: 'POST', url, headers, payload: {} })).statusCode;
    };
    expect(await status('/api/v1/billing-runs', JOB_TOKEN)).toBe(200);
    // The keys that verify a person's token are not available here.
    expect(await status('/api/v1/billing-runs', 'secret-between-services')).not.toBe(200);
    expect(await status('/api/v1/billing-account/close', JOB_TOKEN)).not.toBe(204);
  });
});
