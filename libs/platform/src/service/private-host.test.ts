import { describe, expect, it } from 'vitest';
import { isPrivateHost } from './private-host.ts';

describe('the host that a request to the management port names', () => {
  it.each([
    ['the address of a pod, as the kubelet and Prometheus send it', '10.8.0.7:9080'],
    ['an IPv6 address', '[fd00::7]:9080'],
    ['an address without a port', '127.0.0.1'],
    ['this machine', 'localhost:4101'],
    ['a service of Compose, or a Service of the same namespace', 'users:9080'],
    ['a container', 'slipway_users_1:9080'],
    ['a Service of another namespace', 'users.slipway.svc:9080'],
    ['a Service in full', 'users.slipway.svc.cluster.local:9080'],
    ['a host of a cloud', 'vm-1.europe-west1-b.c.project.internal:9080'],
    ['none, as HTTP/1.0 allows', undefined],
  ])('may be %s', (_what, host) => {
    expect(isPrivateHost(host)).toBe(true);
  });

  it.each([
    'rebind.example.com:9080',
    'rebind.example.com',
    'localhost.example.com:9080',
    '127.0.0.1.example.com:9080',
    'users.slipway.svc.example.com:9080',
    '',
    ':9080',
  ])('may not be %j', (host) => {
    expect(isPrivateHost(host)).toBe(false);
  });
});
