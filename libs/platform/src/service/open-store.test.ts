import { expect, it } from 'vitest';
import { StartError } from '../core/start-error.ts';
import { storeByScheme } from './open-store.ts';

const openStore = storeByScheme({
  sqlite: { form: 'sqlite:<path>', open: async (url) => `SQLite at ${url}` },
  mongodb: { form: 'mongodb://<host>/<database>', open: async (url) => `MongoDB at ${url}` },
});

it.each([
  ['sqlite::memory:', 'SQLite'],
  ['sqlite:data/plans.db', 'SQLite'],
  ['mongodb://db/plans', 'MongoDB'],
  ['mongodb+srv://db/plans', 'MongoDB'],
])('opens %s with %s', async (url, technology) => {
  expect(await openStore(url)).toBe(`${technology} at ${url}`);
});

it.each(['postgres://user:secret@db/plans', 'mongodbs://db/plans', 'constructor:x', 'plans.db', ''])(
  'rejects "%s" with the forms that it knows, without repeating the URL',
  async (url) => {
    const message = 'STORE_URL must be sqlite:<path> or mongodb://<host>/<database>.';
    await expect(openStore(url)).rejects.toThrow(new StartError(message));
  },
);
