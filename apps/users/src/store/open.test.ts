import { StartError } from '@slipway/platform/core/start-error';
import { expect, it } from 'vitest';
import { openStore } from './open.ts';

it('rejects another kind of store, without repeating what may contain a password', async () => {
  for (const url of ['postgres://user:secret@db/users', 'users.db', 'mongodbs://db/users', '']) {
    await expect(openStore(url)).rejects.toThrow(
      new StartError('STORE_URL must be sqlite:<path>, sqlite::memory: or mongodb://<host>/<database>.'),
    );
  }
});

it('rejects a MongoDB address without a database, without repeating it', async () => {
  for (const url of [
    'mongodb://user:secret@db',
    'mongodb://user:secret@db/',
    'mongodb://user:secret@db/?w=1',
  ]) {
    await expect(openStore(url)).rejects.toThrow(
      new StartError('STORE_URL must name a database: mongodb://<host>/<database>.'),
    );
  }
});
