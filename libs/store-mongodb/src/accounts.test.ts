import { expect, it } from 'vitest';
import { ensureAccount } from './accounts.ts';

it('an account of a service is left to those who run the server, if that is not the one with the root account', async () => {
  const elsewhere = 'mongodb://users:secret@db.example.com/users';
  expect(await ensureAccount('mongodb://root:secret@mongodb:27017/admin', elsewhere)).toBe('elsewhere');
});
