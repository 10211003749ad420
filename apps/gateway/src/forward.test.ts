import { createHash } from 'node:crypto';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from './test-gateway.ts';

const megabyte = 1_048_576;

let gateway: TestGateway;
let ada: { authorization: string };
let root: { authorization: string };

beforeAll(async () => {
  gateway = await startGateway();
  ada = await gateway.bearer('ada', 'member');
  root = await gateway.bearer('root', 'admin');
});
afterAll(() => gateway.stop());

let { billing, reporting }: TestGateway['services'] = {} as never;
beforeEach(() => {
  ({ billing, reporting } = gateway.services);
  billing.seen.length = 0;
  reporting.seen.length = 0;
});

/** Starts an upload whose body the test writes itself. */
function upload(path = '/api/v1/usage/import', headers: Record<string, string> = {}): ClientRequest {
  const request = httpRequest(gateway.base + path, {
    method: 'POST',
    headers: { ...ada, 'content-type': 'application/x-ndjson', ...headers },
  });
  return request.on('error', () => undefined);
}

function answerTo(request: ClientRequest): Promise<{ response: IncomingMessage; body: string }> {
  return new Promise((resolve, reject) => {
    request.once('error', reject);
    request.once('response', async (response) => resolve({ response, body: await text(response) }));
  });
}

/** The same chunk again and again, so that the source itself needs no memory. */
function* bytes(total: number, counted: (sent: number) => void = () => undefined) {
  const chunk = Buffer.alloc(65_536, 'x');
  for (let sent = 0; sent < total; sent += chunk.length) {
    yield chunk;
    counted(sent + chunk.length);
  }
}

/** Resolves with the value once it has not changed for a while. */
async function settled(value: () => number, deadline = Date.now() + 10_000): Promise<number> {
  let [last, since] = [value(), Date.now()];
  while (Date.now() - since < 300 && Date.now() < deadline) {
    await wait(20);
    if (value() !== last) [last, since] = [value(), Date.now()];
  }
  return last;
}

async function countBytes(body: AsyncIterable<Buffer>): Promise<number> {
  let count = 0;
  for await (const chunk of body) count += chunk.length;
  return count;
}

describe('a body on its way in', () => {
  it('arrives as it was sent', async () => {
    const body = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index % 251));
    billing.handle = async (request, response) => {
      const hash = createHash('sha256');
      await pipeline(request, hash);
      response.end(`${request.headers['content-encoding']} ${hash.digest('hex')}`);
    };
    const headers = { ...ada, 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' };
    const answer = await fetch(`${gateway.base}/api/v1/usage/import`, { method: 'POST', headers, body });
    expect(await answer.text()).toBe(`gzip ${createHash('sha256').update(body).digest('hex')}`);
    expect(billing.seen[0]?.headers['content-length']).toBe('200000');
  });

  it('streams through 200 MB in constant memory', async () => {
    billing.handle = async (request, response) => response.end(String(await countBytes(request)));
    let most = 0;
    const send = async (size: number) => {
      const request = upload();
      const answer = answerTo(request);
      const source = bytes(size, () => {
        most = Math.max(most, process.memoryUsage().rss);
      });
      await pipeline(Readable.from(source), request);
      expect((await answer).body).toBe(String(size));
    };
    // The first body brings the memory that every further one uses again.
    await send(20 * megabyte);
    const before = process.memoryUsage().rss;
    await send(200 * megabyte);
    expect((most - before) / megabyte).toBeLessThan(100);
  });

  it('waits for a service that reads slowly', async () => {
    const reading = Promise.withResolvers<void>();
    billing.handle = async (request, response) => {
      await reading.promise;
      response.end(String(await countBytes(request)));
    };
    let sent = 0;
    const request = upload();
    const answer = answerTo(request);
    const source = bytes(100 * megabyte, (count) => {
      sent = count;
    });
    const sending = pipeline(Readable.from(source), request);
    expect((await settled(() => sent)) / megabyte).toBeLessThan(40);
    reading.resolve();
    await sending;
    expect((await answer).body).toBe(String(100 * megabyte));
  });

  it('ends at the service too when its client goes away', async () => {
    const aborted = Promise.withResolvers<boolean>();
    const started = Promise.withResolvers<void>();
    billing.handle = (request) => {
      request.once('data', () => started.resolve());
      request.once('close', () => aborted.resolve(!request.complete));
    };
    const request = upload();
    request.write('{}\n');
    await started.promise;
    request.destroy();
    expect(await aborted.promise).toBe(true);
  });

  it('reaches another replica when the first takes no connection, if it is small', async () => {
    const twice = await startGateway({ BILLING_URL: `http://127.0.0.1:1,${billing.url}` });
    billing.handle = async (request, response) => response.end(await text(request));
    const send = async (body: string) =>
      fetch(`${twice.base}/api/v1/usage`, {
        method: 'POST',
        headers: { ...(await twice.bearer('ada')), 'content-type': 'application/json' },
        body,
      });
    expect(await (await send('{"id":"u1"}')).text()).toBe('{"id":"u1"}');
    await twice.stop();
  });

  it('is sent again when the connection breaks, if it is small and has an Idempotency-Key', async () => {
    billing.handle = async (request, response) => {
      if (billing.seen.length === 1) response.destroy();
      else response.end(await text(request));
    };
    const headers = { ...ada, 'content-type': 'application/json', 'idempotency-key': 'k1' };
    const url = `${gateway.base}/api/v1/subscriptions`;
    const answer = await fetch(url, { method: 'POST', headers, body: '{"planId":"starter"}' });
    expect(await answer.text()).toBe('{"planId":"starter"}');
    expect(billing.seen).toHaveLength(2);
  });

  it('of a client that goes away before it is complete reaches no service', async () => {
    const request = upload('/api/v1/usage', { 'content-type': 'application/json', 'content-length': '20' });
    request.write('{"id":');
    await expect.poll(() => gateway.metrics.text()).toMatch(/http_server_requests_in_flight\{.*\} 1/);
    request.destroy();
    await expect.poll(() => gateway.metrics.text()).toMatch(/http_server_requests_in_flight\{.*\} 0/);
    expect(billing.seen).toHaveLength(0);
  });

  it('may be none', async () => {
    billing.handle = async (request, response) => response.end(String(await countBytes(request)));
    const url = `${gateway.base}/api/v1/subscriptions/s1/cancel`;
    const answer = await fetch(url, { method: 'POST', headers: ada });
    expect(await answer.text()).toBe('0');
  });

  it('does not keep an early answer from its client', async () => {
    billing.handle = (_request, response) => {
      response.writeHead(400, { 'content-type': 'application/problem+json', 'retry-after': '7' });
      response.end('{"code":"too_bad"}');
    };
    const request = upload();
    const answer = answerTo(request);
    pipeline(Readable.from(bytes(50 * megabyte)), request).catch(() => undefined);
    const { response, body } = await answer;
    expect(response.statusCode).toBe(400);
    expect(response.headers['retry-after']).toBe('7');
    expect(body).toBe('{"code":"too_bad"}');
  });
});

describe('the limit of a body', () => {
  const path = '/api/v1/usage';
  const json = { 'content-type': 'application/json' };

  it('is checked before anything is passed on, when the client says how much it sends', async () => {
    const request = upload(path, { ...json, 'content-length': String(megabyte + 1) });
    request.flushHeaders();
    const { response, body } = await answerTo(request);
    expect(response.statusCode).toBe(413);
    expect(JSON.parse(body)).toMatchObject({ code: 'payload_too_large' });
    expect(billing.seen).toHaveLength(0);
    request.destroy();
  });

  it('is checked while the body streams, when the client does not say', async () => {
    const arrived = Promise.withResolvers<number>();
    billing.handle = (request) => {
      let count = 0;
      request.on('data', (chunk: Buffer) => {
        count += chunk.length;
      });
      request.once('close', () => arrived.resolve(count));
    };
    const request = upload(path, json);
    const answer = answerTo(request);
    pipeline(Readable.from(bytes(3 * megabyte)), request).catch(() => undefined);
    const { response, body } = await answer;
    expect(response.statusCode).toBe(413);
    expect(JSON.parse(body)).toMatchObject({ code: 'payload_too_large' });
    expect(await arrived.promise).toBeLessThanOrEqual(megabyte);
  });

  it('lets through a body of just that size', async () => {
    billing.handle = async (request, response) => response.end(String(await countBytes(request)));
    const request = upload(path, json);
    const answer = answerTo(request);
    await pipeline(Readable.from(bytes(megabyte)), request);
    expect((await answer).body).toBe(String(megabyte));
  });

  it('does not make the service count as failing', async () => {
    for (let n = 0; n < 10; n += 1) {
      const request = upload(path, json);
      const answer = answerTo(request);
      pipeline(Readable.from(bytes(2 * megabyte)), request).catch(() => undefined);
      expect((await answer).response.statusCode).toBe(413);
    }
    billing.handle = (_request, response) => response.end('fine');
    expect((await fetch(`${gateway.base}/api/v1/plans`)).status).toBe(200);
  });
});

describe('headers beyond the limit', () => {
  it('are refused with a problem document', async () => {
    const { hostname, port } = new URL(gateway.base);
    const socket = connect(Number(port), hostname);
    socket.write(`GET / HTTP/1.1\r\nhost: x\r\nx-long: ${'x'.repeat(20_000)}\r\n\r\n`);
    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1.1 431 /);
    expect(answer).toContain('"code":"headers_too_large"');
  });
});

describe('an answer', () => {
  const url = '/api/v1/reports/revenue';

  it('reaches the client while it is still being written', async () => {
    const seen = Promise.withResolvers<void>();
    reporting.handle = async (_request, response) => {
      response.write('first ');
      await seen.promise;
      response.end('second');
    };
    const answer = await fetch(gateway.base + url, { headers: root });
    const chunks: string[] = [];
    for await (const chunk of answer.body ?? []) {
      chunks.push(Buffer.from(chunk).toString());
      seen.resolve();
    }
    expect(chunks).toEqual(['first ', 'second']);
  });

  it('waits for a client that reads slowly', async () => {
    let sent = 0;
    reporting.handle = (_request, response) => {
      const source = bytes(100 * megabyte, (count) => {
        sent = count;
      });
      pipeline(Readable.from(source), response).catch(() => undefined);
    };
    const request = httpRequest(gateway.base + url, { headers: root }).end();
    const response = await new Promise<IncomingMessage>((resolve) => request.once('response', resolve));
    expect((await settled(() => sent)) / megabyte).toBeLessThan(40);
    expect(await countBytes(response)).toBe(100 * megabyte);
  });

  it('that breaks off is seen as broken off', async () => {
    reporting.handle = (_request, response) => {
      response.write('half of the');
      setImmediate(() => response.destroy());
    };
    const answer = await fetch(gateway.base + url, { headers: root });
    expect(answer.status).toBe(200);
    await expect(answer.text()).rejects.toThrow();
  });

  it.each(['before', 'after'])('is not made for a client that went away %s its head', async (when) => {
    const closed = Promise.withResolvers<void>();
    const started = Promise.withResolvers<void>();
    reporting.handle = (_request, response) => {
      response.once('close', () => closed.resolve());
      if (when === 'after') response.write('x');
      started.resolve();
    };
    const request = httpRequest(gateway.base + url, { headers: root }).on('error', () => undefined);
    const head = new Promise((resolve) => request.once('response', resolve));
    request.end();
    await started.promise;
    if (when === 'after') await head;
    request.destroy();
    await closed.promise;
    if (when === 'before') await expect.poll(() => gateway.metrics.text()).toContain('outcome="given_up"');
  });

  it('that is a problem document comes as its service wrote it', async () => {
    const document = '{ "code": "email_taken", "status": 409, "detail": "x", "instance": "theirs" }';
    reporting.handle = (_request, response) => {
      response.writeHead(409, { 'content-type': 'application/problem+json', 'x-own': 'kept' }).end(document);
    };
    const answer = await fetch(gateway.base + url, { headers: root });
    expect(answer.status).toBe(409);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.headers.get('x-own')).toBe('kept');
    expect(await answer.text()).toBe(document);
  });
});

describe('a service that', () => {
  const timeout = 1_000;
  let hurried: TestGateway;
  let admin: { authorization: string };
  beforeAll(async () => {
    hurried = await startGateway({ REQUEST_TIMEOUT_MS: String(timeout), BILLING_URL: 'http://127.0.0.1:1' });
    admin = await hurried.bearer('root', 'admin');
  });
  afterAll(() => hurried.stop());

  const get = async (url: string) => {
    const startedAt = performance.now();
    const answer = await fetch(hurried.base + url, { headers: admin });
    return { answer, text: await answer.text(), ms: performance.now() - startedAt };
  };
  const problemOf = ({ text }: { text: string }) => JSON.parse(text) as Record<string, unknown>;

  it('hangs costs a bounded time, and the others nothing', async () => {
    hurried.services.reporting.handle = () => undefined;
    const hanging = get('/api/v1/reports/revenue');
    const other = await get('/api/v1/users');
    expect(other.answer.status).toBe(200);
    expect(other.ms).toBeLessThan(timeout);
    const late = await hanging;
    expect(late.answer.status).toBe(504);
    expect(problemOf(late)).toMatchObject({
      code: 'deadline_exceeded',
      type: '/docs/errors#deadline_exceeded',
    });
    expect(late.ms).toBeLessThan(timeout + 1_000);
  });

  it('stops in the middle of its answer is given up, and so is the answer', async () => {
    const closed = Promise.withResolvers<void>();
    hurried.services.reporting.handle = (_request, response) => {
      response.write('half of the');
      response.once('close', () => closed.resolve());
    };
    await expect(get('/api/v1/reports/recurring')).rejects.toThrow();
    await closed.promise;
  });

  it('may take longer for an operation whose contract says so', async () => {
    hurried.services.reporting.handle = ({ headers }, response) =>
      response.end(headers['x-request-timeout-ms']);
    const answer = await fetch(`${hurried.base}/api/v1/reports/rebuild`, { method: 'POST', headers: admin });
    expect(Number(await answer.text())).toBeGreaterThan(10 * timeout);
  });

  it('breaks off is a failed one', async () => {
    hurried.services.reporting.handle = (request) => request.socket.destroy();
    const failed = await get('/api/v1/reports/sign-ups');
    expect(failed.answer.status).toBe(502);
    expect(problemOf(failed)).toMatchObject({ code: 'upstream_failed' });
  });

  it('is down is unavailable, and the client learns when to ask again', async () => {
    const failed = await get('/api/v1/plans');
    expect(failed.answer.status).toBe(503);
    expect(problemOf(failed)).toMatchObject({ code: 'unavailable' });
    expect(Number(failed.answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  });
});
