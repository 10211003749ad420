import { StartError } from '@slipway/platform/core/start-error';
import Fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { readClientOrigin } from './client-origin.ts';

const said = {
  host: 'gateway:8080',
  'x-forwarded-for': '203.0.113.9, 10.0.0.7',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'slipway.example',
};

async function originOf(trusted: string, remoteAddress: string, headers: Record<string, string> = said) {
  const app = Fastify();
  const read = readClientOrigin(trusted);
  app.get('/', async (request) => read(request));
  return (await app.inject({ url: '/', headers, remoteAddress })).json();
}

const asConnected = (address: string) => ({ address, proto: 'http', host: 'gateway:8080' });
const asSaid = { address: '203.0.113.9', proto: 'https', host: 'slipway.example' };

describe('where a request comes from', () => {
  it('is the connection while no proxy is trusted', async () => {
    expect(await originOf('', '10.0.0.8')).toEqual(asConnected('10.0.0.8'));
  });

  it('is what trusted proxies state', async () => {
    expect(await originOf('10.0.0.0/8', '10.0.0.8')).toEqual(asSaid);
    expect(await originOf('uniquelocal, loopback', '10.0.0.8')).toEqual(asSaid);
  });

  it('is the last address before the first proxy that is not trusted', async () => {
    expect(await originOf('10.0.0.8', '10.0.0.8')).toMatchObject({ address: '10.0.0.7' });
  });

  it('is not what anyone else states', async () => {
    expect(await originOf('10.0.0.0/8', '192.0.2.1')).toEqual(asConnected('192.0.2.1'));
  });

  it('is the proxy if that states nothing', async () => {
    expect(await originOf('10.0.0.0/8', '10.0.0.8', { host: 'gateway:8080' })).toEqual(
      asConnected('10.0.0.8'),
    );
  });

  it('never has a protocol other than http and https', async () => {
    const headers = { ...said, 'x-forwarded-proto': 'javascript' };
    expect(await originOf('10.0.0.0/8', '10.0.0.8', headers)).toMatchObject({ proto: 'http' });
  });

  it('cannot be created with a list that contains something else than addresses', () => {
    expect(() => readClientOrigin('10.0.0.0/8,nonsense')).toThrow(StartError);
    expect(() => readClientOrigin('nonsense')).toThrow(/^TRUSTED_PROXIES .*nonsense/);
  });
});
