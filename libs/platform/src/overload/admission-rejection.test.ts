import { afterEach, describe, expect, it, vi } from 'vitest';
import { loadedAdmission, openAdmission } from '../testing/admission.ts';

afterEach(() => vi.restoreAllMocks());

describe('a request', () => {
  it('is rejected if its expected wait is more than the maximum queue time of its priority', async () => {
    const { rejected, send, iterate } = await loadedAdmission(40);
    for (const url of ['in time', 'late']) send(url);
    send('payment', { priority: 'money' });
    await iterate(1);
    expect(rejected).toEqual(['queue_full late']);
  });

  it('is rejected if its expected wait is more than its client waits', async () => {
    const { rejected, send, iterate } = await loadedAdmission(20);
    send('hurried', { timeout: 99 });
    send('patient', { timeout: 100 });
    await iterate(1);
    expect(rejected).toEqual(['queue_full hurried']);
  });

  it('is not rejected for its expected wait while fewer than eight are ahead', async () => {
    const { rejected, send, iterate } = await loadedAdmission(7);
    for (const url of ['eighth', 'ninth']) send(url, { timeout: 1 });
    await iterate(1);
    expect(rejected).toEqual(['queue_full ninth']);
  });

  it('may wait up to three seconds while the code of its process is cold', async () => {
    const warm = await loadedAdmission(41, { coldFor: 31 });
    warm.send('late');
    await warm.iterate(1);
    expect(warm.rejected).toEqual(['queue_full late']);
    const cold = await loadedAdmission(600, { coldFor: 32 });
    for (const url of ['in time', 'late']) cold.send(url);
    await cold.iterate(1);
    expect(cold.rejected).toEqual(['queue_full late']);
  });

  it('may wait as long while other processes take the CPU of its process', async () => {
    const { rejected, send, iterate } = await loadedAdmission(600, { cpu: 0.3 });
    for (const url of ['in time', 'late']) send(url);
    await iterate(1);
    expect(rejected).toEqual(['queue_full late']);
  });

  it('may not wait longer because its process had nothing to do', async () => {
    const { time, rejected, send, sendMany, iterate, end } = await loadedAdmission(5);
    await end();
    await iterate(1);
    time.idle = 60_000;
    time.now += 60_000;
    sendMany(100);
    await iterate(30);
    send('late');
    await iterate(1);
    expect(rejected).toEqual(['queue_full late']);
  });

  it('does not inherit the expected wait of an earlier load', async () => {
    const { admission, rejected, sendMany, iterate, end } = await loadedAdmission(5);
    await end();
    await iterate(1);
    sendMany(100);
    expect(admission.load.waitMs).toBe(0);
    expect(rejected).toEqual([]);
  });

  it('is rejected when its deadline has passed, and the next one starts', async () => {
    const { rejected, served, send, iterate } = openAdmission();
    send('no time', { timeout: 0 });
    send('first');
    send('slow', { ms: 20 });
    send('late', { timeout: 20 });
    send('in time', { timeout: 21 });
    await iterate(3);
    expect(rejected).toEqual(['deadline no time', 'deadline late']);
    expect(served).toEqual(['first', 'slow', 'in time']);
  });

  it.each([
    ['a second', {}, 1_000],
    ['three seconds while its process is slow', { coldFor: 100 }, 3_000],
    ['three seconds if its process stood still', { cpu: 0 }, 3_000],
  ])('is rejected when it has waited longer than %s', async (_time, options, ms) => {
    const { time, rejected, served, send, iterate } = openAdmission(options);
    send('first', { ms: 0 });
    send('in time', { ms: 1 });
    send('late');
    time.now = ms;
    await iterate(2);
    expect(rejected).toEqual(['too_late late']);
    expect(served).toEqual(['first', 'in time']);
  });

  it('is not served if its client has disconnected, and leaves the queue before its turn', async () => {
    const { admission, rejected, served, send, sendMany, iterate, end } = openAdmission();
    sendMany(22);
    send('left').socket.destroyed = true;
    send('stays');
    await iterate(10);
    expect(admission.load.waiting).toBe(13);
    await iterate(1);
    expect(admission.load.waiting).toBe(11);
    await end();
    expect(rejected).toEqual([]);
    expect(served.slice(22)).toEqual(['stays']);
  });
});

describe('the length of the queue', () => {
  it('is at most a thousand ahead of a request, however short they are', async () => {
    for (const [ahead, expected] of [
      [999, []],
      [1_000, ['queue_full next']],
    ] as const) {
      const { admission, rejected, send, sendMany, iterate } = openAdmission();
      sendMany(501, { client: 'ada' });
      sendMany(ahead - 500, { client: 'bob' });
      expect(admission.load.waiting).toBe(ahead);
      send('next', { priority: 'batch' });
      await iterate(1);
      expect(rejected).toEqual(expected);
    }
  });

  it('is at most a thousand of one client, with all priorities', async () => {
    const { rejected, send, sendMany, iterate } = openAdmission();
    sendMany(1_000, { priority: 'batch', client: 'noisy' });
    for (const url of ['one thousandth', 'next']) send(url, { client: 'noisy' });
    send('other', { client: 'quiet' });
    await iterate(1);
    expect(rejected).toEqual(['queue_full next']);
  });

  it('is at most 1,250 of one priority, and 1,500 of all', async () => {
    const { rejected, send, sendMany, iterate } = openAdmission();
    sendMany(901, { priority: 'batch', client: 'ada' });
    sendMany(349, { priority: 'batch', client: 'bob' });
    for (const url of ['last', 'of batch']) send(url, { priority: 'batch', client: 'eve' });
    // Requests that move money go first, so the thousand ahead of this one do not count.
    sendMany(249, { priority: 'money', client: 'dan' });
    for (const url of ['last', 'of all']) send(url, { priority: 'money', client: 'eve' });
    await iterate(1);
    expect(rejected).toEqual(['queue_full of batch', 'queue_full of all']);
  });
});

describe('a rejection', () => {
  it('is one of eight in an iteration beside short requests, and of sixteen beside longer ones', async () => {
    for (const [ms, count] of [
      [1, 8],
      [5, 16],
    ] as const) {
      const { rejected, send, sendMany, iterate } = openAdmission();
      sendMany(60, { ms });
      await iterate(20);
      for (let n = 0; n < 50; n += 1) send('late', { timeout: 1 });
      await iterate(1);
      expect(rejected).toHaveLength(count);
    }
  });

  it('waits for its turn in a later event-loop iteration, although no request waits any more', async () => {
    const { admission, rejected, send, iterate, end } = await loadedAdmission(8);
    for (let n = 0; n < 300; n += 1) send(`${n}`, { timeout: 1 });
    expect(rejected).toEqual([]);
    await end();
    expect(admission.load.waiting).toBe(0);
    expect(rejected.length).toBeGreaterThan(0);
    expect(rejected.length).toBeLessThan(300);
    await iterate(20);
    expect(rejected).toEqual(Array.from({ length: 300 }, (_, n) => `queue_full ${n}`));
  });
});
