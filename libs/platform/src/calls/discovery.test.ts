import { createSocket } from 'node:dgram';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { StartError } from '../core/start-error.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { startDns, type Zone } from '../testing/dns-server.ts';
import { answering, refusing, type TestServer } from '../testing/faulty-server.ts';
import { discover } from './discovery.ts';
import { createUpstream } from './upstream.ts';

const service = '_http._tcp.users.example';
const portOf = ({ origin }: TestServer) => Number(new URL(origin).port);

function discovering(address: string) {
  const discovery = discover('users', address);
  onTestFinished(() => discovery.close());
  return discovery;
}

async function serveDns(zone: Zone) {
  const server = await startDns(zone);
  onTestFinished(() => server.stop().catch(() => undefined));
  return server;
}

function calling(address: string) {
  const upstream = createUpstream({ name: 'users', address, metrics: createMetrics('test', '0') });
  onTestFinished(() => upstream.close());
  return async () => {
    const { statusCode, body } = await upstream.request({ method: 'POST', path: '/' });
    await body.dump();
    return statusCode;
  };
}

describe('an address', () => {
  it('may be one or several origins', () => {
    expect(discovering('http://users:4001/').pick()).toBe('http://users:4001');
    const several = discovering('http://a:1, https://b:2');
    expect([several.pick(), several.pick(), several.pick()]).toEqual([
      'http://a:1',
      'https://b:2',
      'http://a:1',
    ]);
  });

  it.each([
    '',
    'users:4001',
    '127.0.0.1:4001',
    'ftp://users',
    'http://a:1,',
    'http://a/api',
    'srv+ftp://_ftp._tcp.a',
    'dns+ftp://a',
  ])('that is %j stops the start with one sentence', (address) => {
    const forms = 'http://host:port, dns+http://host:port or srv+http://_http._tcp.name';
    expect(() => discover('users', address)).toThrow(
      new StartError(`The address of users is not ${forms}: ${address}`),
    );
  });

  it('may be a name, with or without the DNS server to ask', () => {
    expect(discovering('dns+http://users.example').pick()).toBeUndefined();
    expect(discovering('srv+http://_http._tcp.users.example?dns=127.0.0.1:8600').pick()).toBeUndefined();
  });
});

describe('discovery by the addresses of a name', () => {
  const name = 'users.example';

  it('makes the service unavailable while its name is unknown, and finds it as soon as it is known', async () => {
    const server = await answering(200);
    const zone: Zone = { a: {}, srv: {} };
    const dns = await serveDns(zone);
    const call = calling(`dns+http://${name}:${portOf(server)}?dns=${dns.address}`);
    await expect(call()).rejects.toMatchObject({ code: 'unavailable', retryAfter: 1 });
    zone.a[name] = '127.0.0.1';
    expect(await call()).toBe(200);
  });

  it('asks no more once it is closed', async () => {
    let asked = 0;
    const silent = createSocket('udp4').on('message', () => {
      asked += 1;
    });
    onTestFinished(() => void silent.close());
    await new Promise<void>((resolve) => silent.bind(0, '127.0.0.1', resolve));
    const discovery = discovering(`dns+http://${name}?dns=127.0.0.1:${silent.address().port}`);
    const answer = discovery.ready();
    await vi.waitUntil(() => asked === 1);
    discovery.close();
    await expect(answer).rejects.toMatchObject({ code: 'ECANCELLED' });
    await expect(discovery.ready()).rejects.toMatchObject({ code: 'ECANCELLED' });
    expect(asked).toBe(1);
  });

  it('asks before the first call', async () => {
    const dns = await serveDns({ a: { [name]: '127.0.0.2' }, srv: {} });
    const discovery = discovering(`dns+http://${name}:4001?dns=${dns.address}`);
    await expect.poll(() => discovery.pick()).toBe('http://127.0.0.2:4001');
  });

  const picks = (discovery: ReturnType<typeof discover>, times: number) =>
    Array.from({ length: times }, () => discovery.pick()).toSorted();

  it('takes turns between all of them, on the port that the URL names', async () => {
    const dns = await serveDns({ a: { [name]: ['127.0.0.2', '127.0.0.3'] }, srv: {} });
    const discovery = discovering(`dns+http://${name}:4001?dns=${dns.address}`);
    await discovery.ready();
    const [two, three] = ['http://127.0.0.2:4001', 'http://127.0.0.3:4001'];
    expect(picks(discovery, 4)).toEqual([two, two, three, three]);
  });

  it('fails, and says why, if the name has no address', async () => {
    const dns = await serveDns({ a: {}, srv: {} });
    await expect(discovering(`dns+http://${name}?dns=${dns.address}`).ready()).rejects.toThrow(
      'users.example has no address',
    );
  });

  it('finds replicas that have IPv6 addresses alone', async () => {
    const dns = await serveDns({ a: { [name]: ['fd00::2', 'fd00::3'] }, srv: {} });
    const discovery = discovering(`dns+http://${name}:4001?dns=${dns.address}`);
    await discovery.ready();
    expect(picks(discovery, 2)).toEqual(['http://[fd00::2]:4001', 'http://[fd00::3]:4001']);
  });

  it('finds a new replica and drops one that has left', async () => {
    vi.useFakeTimers({ toFake: ['setInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const zone: Zone = { a: { [name]: '127.0.0.2' }, srv: {} };
    const dns = await serveDns(zone);
    const discovery = discovering(`dns+http://${name}:4001?dns=${dns.address}`);
    await discovery.ready();
    expect(new Set(picks(discovery, 2))).toEqual(new Set(['http://127.0.0.2:4001']));

    zone.a[name] = ['127.0.0.2', '127.0.0.3'];
    vi.advanceTimersByTime(5_000);
    await vi.waitFor(() => expect(new Set(picks(discovery, 2)).size).toBe(2));

    zone.a[name] = '127.0.0.3';
    vi.advanceTimersByTime(5_000);
    await vi.waitFor(() => expect(new Set(picks(discovery, 2))).toEqual(new Set(['http://127.0.0.3:4001'])));
  });

  it('calls a real server, even while the name has no address any more', async () => {
    vi.useFakeTimers({ toFake: ['setInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const server = await answering(200);
    const zone: Zone = { a: { [name]: '127.0.0.1' }, srv: {} };
    const dns = await serveDns(zone);
    const call = calling(`dns+http://${name}:${portOf(server)}?dns=${dns.address}`);
    expect(await call()).toBe(200);
    const { asked } = dns;
    zone.a = {};
    vi.advanceTimersByTime(5_000);
    await vi.waitFor(() => expect(dns.asked).toBeGreaterThan(asked + 1));
    expect(await call()).toBe(200);
  });
});

describe('discovery by DNS SRV', () => {
  const two: Zone = {
    a: { 'one.example': '127.0.0.1', 'two.example': '127.0.0.1' },
    srv: {
      [service]: [
        { target: 'one.example', port: 7001, weight: 2 },
        { target: 'two.example', port: 7002 },
      ],
    },
  };

  it('finds the ports and addresses of all targets, with their weights', async () => {
    const dns = await serveDns(two);
    const discovery = discovering(`srv+http://${service}?dns=${dns.address}`);
    await discovery.ready();
    const picked = Array.from({ length: 6 }, () => discovery.pick()?.split(':').at(-1));
    expect(picked.toSorted()).toEqual(['7001', '7001', '7001', '7001', '7002', '7002']);
  });

  it('makes one lookup for concurrent calls, and not one for each call', async () => {
    const dns = await serveDns(two);
    const discovery = discovering(`srv+http://${service}?dns=${dns.address}`);
    await Promise.all([discovery.ready(), discovery.ready()]);
    const { asked } = dns;
    await discovery.ready();
    expect(dns.asked).toBe(asked);
    expect(asked).toBeLessThanOrEqual(3);
  });

  it('skips a target that has no address', async () => {
    const dns = await serveDns({ ...two, a: { 'two.example': '127.0.0.1' } });
    const discovery = discovering(`srv+http://${service}?dns=${dns.address}`);
    await discovery.ready();
    expect([discovery.pick(), discovery.pick()]).toEqual(['http://127.0.0.1:7002', 'http://127.0.0.1:7002']);
  });

  it('calls real servers, follows the records, and uses the last ones when DNS is unreachable', async () => {
    vi.useFakeTimers({ toFake: ['setInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const [one, two] = [await answering(200), await answering(201)];
    const zone: Zone = {
      a: { 'one.example': '127.0.0.1', 'two.example': '127.0.0.1' },
      srv: { [service]: [{ target: 'one.example', port: portOf(one) }] },
    };
    const dns = await serveDns(zone);
    const call = calling(`srv+http://${service}?dns=${dns.address}`);
    expect(await call()).toBe(200);

    zone.srv[service] = [{ target: 'two.example', port: portOf(two) }];
    vi.advanceTimersByTime(5_000);
    await vi.waitFor(async () => expect(await call()).toBe(201));

    await dns.stop();
    vi.advanceTimersByTime(60_000);
    expect(await call()).toBe(201);
  });

  it('prefers the lower priority and falls back when it refuses the connection', async () => {
    const fallback = await answering(200);
    const dns = await serveDns({
      a: { 'one.example': '127.0.0.1' },
      srv: {
        [service]: [
          { target: 'one.example', port: Number(new URL(await refusing()).port), priority: 1 },
          { target: 'one.example', port: portOf(fallback), priority: 2 },
        ],
      },
    });
    expect(await calling(`srv+http://${service}?dns=${dns.address}`)()).toBe(200);
  });

  it('makes the service unavailable while its name is unknown, and finds it as soon as it is known', async () => {
    const server = await answering(200);
    const zone: Zone = { a: { 'one.example': '127.0.0.1' }, srv: {} };
    const dns = await serveDns(zone);
    const call = calling(`srv+http://${service}?dns=${dns.address}`);
    await expect(call()).rejects.toMatchObject({ code: 'unavailable', retryAfter: 1 });
    zone.srv[service] = [{ target: 'one.example', port: portOf(server) }];
    expect(await call()).toBe(200);
  });

  it('takes a bounded time when DNS does not answer at all', async () => {
    const dns = await serveDns({ a: {}, srv: {} });
    await dns.stop();
    const metrics = createMetrics('test', '0');
    const address = `srv+http://${service}?dns=${dns.address}`;
    const upstream = createUpstream({ name: 'users', address, metrics, timeoutMs: 500 });
    onTestFinished(() => upstream.close());
    const startedAt = performance.now();
    await expect(upstream.request({ method: 'GET', path: '/' })).rejects.toMatchObject({ status: 503 });
    expect(performance.now() - startedAt).toBeLessThan(3_000);
  });
});
