import { request as httpRequest, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bytes, countBytes, megabyte, settled } from './testing/bodies.ts';
import { startGateway, type TestGateway } from './testing/service.ts';

let gateway: TestGateway;
let root: { authorization: string };
let reporting: TestGateway['services']['reporting'];

beforeAll(async () => {
  gateway = await startGateway();
  root = await gateway.bearer('root', 'admin');
  ({ reporting } = gateway.services);
});
afterAll(() => gateway.stop());
beforeEach(() => {
  reporting.seen.length = 0;
});

describe('a response', () => {
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

  it('is not read faster than the client reads it', async () => {
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

  it('that breaks off breaks off for the client, too', async () => {
    reporting.handle = (_request, response) => {
      response.write('half of the');
      setImmediate(() => response.destroy());
    };
    const answer = await fetch(gateway.base + url, { headers: root });
    expect(answer.status).toBe(200);
    await expect(answer.text()).rejects.toThrow();
  });

  it('that breaks off is logged with the ids of its request, and counts as a failure of the service', async () => {
    const lines: string[] = [];
    const logging = await startGateway({ LOG_LEVEL: 'warn' }, { write: (line) => void lines.push(line) });
    logging.services.reporting.handle = (_request, response) => {
      response.write('half of the');
      setImmediate(() => response.destroy());
    };
    const headers = { ...(await logging.bearer('root', 'admin')), 'x-correlation-id': 'journey-1' };
    await expect(fetch(logging.base + url, { headers }).then((answer) => answer.text())).rejects.toThrow();
    const line = lines.map((each) => JSON.parse(each)).find(({ msg }) => msg === 'response broke off');
    expect(line).toMatchObject({
      correlationId: 'journey-1',
      traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    const failed = () => lines.map((each) => JSON.parse(each)).find(({ msg }) => msg === 'request');
    await expect.poll(failed).toMatchObject({ status: 502, problem: 'upstream_failed' });
    await logging.stop();
  });

  it('closes the connection of its client while the gateway drains', async () => {
    const draining = await startGateway();
    draining.services.reporting.handle = (_request, response) => {
      draining.lifecycle.advance('draining');
      response.end('last');
    };
    const answer = await fetch(draining.base + url, { headers: await draining.bearer('root', 'admin') });
    expect(answer.headers.get('connection')).toBe('close');
    expect(await answer.text()).toBe('last');
    await draining.stop();
  });

  it.each(['before', 'after'])('is aborted if the client disconnects %s its head', async (when) => {
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
    if (when === 'before') await expect.poll(() => gateway.metrics.text()).toContain('outcome="aborted"');
  });

  it('is not requested if the client disconnected while its token was verified', async () => {
    const slow = await startGateway();
    const { users, reporting } = slow.services;
    const checking = Promise.withResolvers<void>();
    const keys = Promise.withResolvers<void>();
    const publish = users.handle;
    users.handle = async (request, response) => {
      checking.resolve();
      await keys.promise;
      return publish(request, response);
    };
    const headers = await slow.bearer('root', 'admin');
    const leaving = httpRequest(slow.base + url, { headers }).on('error', () => undefined);
    leaving.end();
    await checking.promise;
    leaving.destroy();
    await expect.poll(() => slow.metrics.inFlight.size).toBe(0);
    keys.resolve();
    await fetch(`${slow.base}/api/v1/reports/recurring`, { headers });
    expect(reporting.seen.map((each) => each.url)).toEqual(['/api/v1/reports/recurring']);
    await slow.stop();
  });

  it('that is a problem document is forwarded unchanged', async () => {
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
