import process from 'node:process';
import { openSqlite } from './database.ts';

/** A process that opens a database on a message, for the test of several that do so at the same time. */
const [, , path] = process.argv;
process.once('message', () => {
  try {
    const started = { name: '1', sql: 'CREATE TABLE started (id); INSERT INTO started VALUES (1)' };
    openSqlite(`sqlite:${path}`, [started]).close();
    process.send?.('opened');
  } catch (error) {
    process.send?.(String(error));
  }
  process.disconnect?.();
});
process.send?.('ready');
