import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDataFolder } from '../../scripts/data-folder.ts';

let scratch: string;
let dataDir: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'slipway-data-'));
  dataDir = join(scratch, 'data');
});
afterEach(() => rmSync(scratch, { recursive: true }));

const modeOf = (...names: string[]) => statSync(join(dataDir, ...names)).mode & 0o777;

function existing(...names: string[]): void {
  mkdirSync(dataDir);
  chmodSync(dataDir, 0o755);
  for (const name of names) {
    writeFileSync(join(dataDir, name), '');
    chmodSync(join(dataDir, name), 0o644);
  }
}

describe('the data folder', () => {
  it('is created for its owner only', () => {
    openDataFolder(dataDir);
    expect(modeOf()).toBe(0o700);
  });

  it.each([[[]], [['users.db', 'users.db-wal', 'secrets.json', '.DS_Store']]])(
    'is closed if others could open it before, with %j in it',
    (names: string[]) => {
      existing(...names);
      openDataFolder(dataDir);
      expect(modeOf()).toBe(0o700);
      if (names.includes('secrets.json')) expect(modeOf('secrets.json')).toBe(0o600);
    },
  );

  it('is not changed if it contains anything else: then the start says why not', () => {
    existing('users.db', 'thesis.tex');
    const why = 'it is not changed, because it contains thesis.tex';
    const advice = `run chmod 700 ${dataDir}, or set DATA_DIR to another`;
    expect(() => openDataFolder(dataDir)).toThrow(
      `Others can read the data folder ${dataDir}, and ${why}; ${advice}.`,
    );
    expect(modeOf()).toBe(0o755);
    expect(existsSync(join(dataDir, 'logs'))).toBe(false);
  });

  it('may contain anything if others cannot open it', () => {
    existing('thesis.tex');
    chmodSync(dataDir, 0o700);
    expect(() => openDataFolder(dataDir)).not.toThrow();
  });
});
