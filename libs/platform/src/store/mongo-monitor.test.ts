import { Socket } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { openMongo } from './mongo.ts';

const { TEST_MONGODB_URL } = process.env;

describe.skipIf(!TEST_MONGODB_URL)('the look-out for a MongoDB server', () => {
  it('is set up again when its connection was closed just before it was used', async () => {
    const mongo = await openMongo(`${TEST_MONGODB_URL}/test-monitor`, []);
    const { client } = mongo.db;
    const write = vi.spyOn(Socket.prototype, 'write').mockImplementation(function (this: Socket, data) {
      write.mockRestore();
      this.destroy();
      return this.write(data);
    });
    const heartbeats: string[] = [];
    client.on('serverHeartbeatStarted', () => heartbeats.push('started'));
    client.on('serverHeartbeatSucceeded', () => heartbeats.push('succeeded'));
    await expect.poll(() => heartbeats.join(' '), { timeout: 15_000 }).toMatch(/^started started succeeded/);
    await mongo.ping();
    await mongo.close();
  });
});
