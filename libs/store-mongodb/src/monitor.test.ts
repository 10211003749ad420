import { EventEmitter } from 'node:events';
import { Socket } from 'node:net';
import type { MongoClient } from 'mongodb';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openMongo } from './database.ts';
import { watchMonitor } from './monitor.ts';

const { TEST_MONGODB_URL } = process.env;

describe.skipIf(!TEST_MONGODB_URL)('the look-out for a MongoDB server', () => {
  it('is restarted when its connection was closed just before it was used', async () => {
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

describe('a connection that is refused immediately', () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  /** A client whose look-out is stuck, and that can be connected the fourth time. */
  async function stuckClient() {
    vi.useFakeTimers({ fakeNodeBuiltins: true });
    vi.spyOn(Math, 'random').mockReturnValue(0.5);
    const connect = vi.fn().mockResolvedValue(undefined);
    for (let time = 0; time < 3; time += 1) connect.mockRejectedValueOnce(new Error('querySrv ENOTFOUND'));
    const close = vi.fn().mockResolvedValue(undefined);
    const client = Object.assign(new EventEmitter(), { connect, close });
    const endWatch = watchMonitor(client as unknown as MongoClient, 1_000);
    client.emit('serverHeartbeatStarted', { connectionId: 'look-out' });
    await vi.advanceTimersByTimeAsync(1_000);
    return { connect, close, endWatch };
  }

  it('is retried after a delay each time', async () => {
    const { connect } = await stuckClient();
    expect(connect).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(500);
    expect(connect).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(connect).toHaveBeenCalledTimes(4);
  });

  it('is not retried after the watch has ended, which does not wait', async () => {
    const { connect, close, endWatch } = await stuckClient();
    endWatch();
    await vi.advanceTimersByTimeAsync(0);
    expect(connect).toHaveBeenCalledTimes(1);
    expect(close).toHaveBeenCalledTimes(2);
  });
});
