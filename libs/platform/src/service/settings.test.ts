import Type from 'typebox';
import { describe, expect, it } from 'vitest';
import { masked, platformSettings, readSettings, Secret, SettingsError } from './settings.ts';

const schema = Type.Object({
  ...platformSettings.properties,
  TOKEN: Secret({ description: 'A token' }),
  VERBOSE: Type.Boolean({ default: false, description: 'Whether to say more' }),
});
const token = 'a token of some length';

describe('settings', () => {
  it('are converted from text, with defaults where nothing or an empty text is set', () => {
    const settings = readSettings(schema, { TOKEN: token, PORT: '8081', VERBOSE: 'true', LOG_LEVEL: '' });
    expect(settings).toMatchObject({ PORT: 8081, VERBOSE: true, LOG_LEVEL: 'info', HOST: '127.0.0.1' });
  });

  it('hold nothing that the schema does not name', () => {
    expect(readSettings(schema, { TOKEN: token, HOME: '/root' })).not.toHaveProperty('HOME');
  });

  it('are refused all together, each with its rule and its sentence', () => {
    const read = () => readSettings(schema, { PORT: '65536', VERBOSE: 'perhaps' });
    expect(read).toThrow(SettingsError);
    expect(read).toThrow(/TOKEN is not set \(A token\)/);
    expect(read).toThrow(/PORT must be <= 65535 \(The service's own port\)/);
    expect(read).toThrow(/VERBOSE must be boolean \(Whether to say more\)/);
  });

  it.each([
    ['10000', '10000', '20001', true],
    ['10000', '10000', '20000', false],
    ['0', '30000', '25000', false],
  ])('need a stop deadline beyond drain (%s) and longest request (%s): %s', (drain, request, stop, fits) => {
    const read = () =>
      readSettings(schema, {
        TOKEN: token,
        DRAIN_DELAY_MS: drain,
        REQUEST_TIMEOUT_MS: request,
        STOP_DEADLINE_MS: stop,
      });
    if (fits) expect(read).not.toThrow();
    else expect(read).toThrow(/STOP_DEADLINE_MS must be more than .* \d+/);
  });

  it('show their secrets to nobody', () => {
    const shown = masked(schema, readSettings(schema, { TOKEN: token, PORT: '1' }));
    expect(shown).toMatchObject({ TOKEN: '***', PORT: 1 });
    expect(JSON.stringify(shown)).not.toContain(token);
    const wrong = () => readSettings(schema, { TOKEN: 'short secret' });
    expect(wrong).toThrow(/TOKEN must NOT have fewer than 16 characters/);
    expect(wrong).not.toThrow(/short secret/);
  });
});
