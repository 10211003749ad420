import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Type } from '@slipway/contract-kit/type';
import { afterAll, describe, expect, it } from 'vitest';
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

  it('contain nothing that the schema does not name', () => {
    expect(readSettings(schema, { TOKEN: token, HOME: '/root' })).not.toHaveProperty('HOME');
  });

  it('are rejected all together, each with its rule and its description', () => {
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

  it('never show a secret', () => {
    const shown = masked(schema, readSettings(schema, { TOKEN: token, PORT: '1' }));
    expect(shown).toMatchObject({ TOKEN: '***', PORT: 1 });
    expect(JSON.stringify(shown)).not.toContain(token);
    const wrong = () => readSettings(schema, { TOKEN: 'short secret' });
    expect(wrong).toThrow(/TOKEN must NOT have fewer than 16 characters/);
    expect(wrong).not.toThrow(/short secret/);
  });

  it('never show the credentials in an address', () => {
    const address = Type.Object({ STORE_URL: Type.String() });
    const shown = masked(address, {
      STORE_URL: 'mongodb://ada:p%40ss@mongodb:27017/users?retryWrites=false',
    });
    expect(shown).toEqual({ STORE_URL: 'mongodb://***@mongodb:27017/users?retryWrites=false' });
    const plain = { STORE_URL: 'http://users:8080/a@b' };
    expect(masked(address, plain)).toEqual(plain);
  });
});

describe('a setting in a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-settings-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  const written = (name: string, text: string) => {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  };

  it.each([
    ['none', ''],
    ['one', '\n'],
    ["another system's", '\r\n'],
  ])('is read with its last line end cut off: %s', (name, end) => {
    const file = written(name, `${token}${end}`);
    expect(readSettings(schema, { TOKEN_FILE: file })).toMatchObject({ TOKEN: token });
  });

  it('uses the whole file except for the last line end', () => {
    const file = written('spaces', ` ${token}\n\n`);
    expect(readSettings(schema, { TOKEN_FILE: file })).toMatchObject({ TOKEN: ` ${token}\n` });
  });

  it('is converted and checked like any other', () => {
    const port = written('port', '8081\n');
    expect(readSettings(schema, { TOKEN: token, PORT_FILE: port })).toMatchObject({ PORT: 8081 });
    const short = written('short', 'short secret\n');
    const read = () => readSettings(schema, { TOKEN_FILE: short });
    expect(read).toThrow(/TOKEN must NOT have fewer than 16 characters/);
    expect(read).not.toThrow(/short secret/);
  });

  it('is not set when the file is empty or the variable is', () => {
    const file = written('empty', '\n');
    expect(() => readSettings(schema, { TOKEN_FILE: file })).toThrow(/TOKEN is not set/);
    expect(readSettings(schema, { TOKEN: token, TOKEN_FILE: '' })).toMatchObject({ TOKEN: token });
  });

  it('is rejected beside the setting itself, together with all other wrong settings', () => {
    const file = written('both', 'the token of the file');
    const read = () => readSettings(schema, { TOKEN: token, TOKEN_FILE: file, PORT: '65536' });
    expect(read).toThrow(/TOKEN and TOKEN_FILE are both set/);
    expect(read).toThrow(/PORT must be <= 65535/);
    expect(read).not.toThrow(/token of/);
  });

  it('is reported once, with its path, if the file cannot be read', () => {
    const absent = join(folder, 'absent');
    const read = () => readSettings(schema, { TOKEN_FILE: absent });
    expect(read).toThrow(`TOKEN_FILE cannot be read: ENOENT ${absent}`);
    expect(read).not.toThrow(/TOKEN is not set/);
    expect(() => readSettings(schema, { TOKEN: token, PORT_FILE: folder })).toThrow(/PORT_FILE .* EISDIR/);
  });
});
