import { readClientAddress } from '@slipway/platform/http/client-address';
import type { FastifyRequest } from 'fastify';
import { describe, expect, it } from 'vitest';
import { ofKind, parse, renderText } from './render.ts';
import { missingTools } from './tools.ts';

const missing = missingTools('kubectl');

/** A request from one of Google's front ends, with what arrives in `X-Forwarded-For`. */
function forwarded(...addresses: string[]): Pick<FastifyRequest, 'raw'> {
  const headers = { 'x-forwarded-for': addresses.join(', ') };
  return { raw: { headers, socket: { remoteAddress: '35.191.3.9' } } } as unknown as FastifyRequest;
}

describe.skipIf(missing)(`behind Google's load balancer${missing && `, skipped: no ${missing}`}`, () => {
  const reserved = '203.0.113.7';
  const settings = missing ? [] : ofKind(parse(renderText('overlays/gke/gateway')), 'ConfigMap');
  const trusted = settings.map(({ data }) => data?.TRUSTED_PROXIES).find(Boolean) ?? '';

  it('a client is the address that the load balancer tells, whatever the client writes itself', () => {
    const { addressOf } = readClientAddress(trusted.replace('RESERVED_ADDRESS', reserved));
    expect(addressOf(forwarded('198.51.100.4', reserved))).toBe('198.51.100.4');
    expect(addressOf(forwarded('192.0.2.66', '198.51.100.4', reserved))).toBe('198.51.100.4');
  });

  it('the gateway does not start before it is told the reserved address, as all clients would be one', () => {
    expect(() => readClientAddress(trusted)).toThrow(/TRUSTED_PROXIES.*RESERVED_ADDRESS/);
  });
});
