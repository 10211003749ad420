import { isIP } from 'node:net';

/** A name that public DNS cannot have: one label, or a name below a domain that is reserved for private networks. */
const privateName = /^([\w-]+|([\w-]+\.)+(localhost|local|internal|svc))$/i;

/**
 * Returns whether a `Host` header names an address, or a host of a private network. A web page can make a browser send
 * requests to this machine (DNS rebinding), but only under a name that public DNS resolves. Programs without a `Host`
 * header are no browsers.
 *
 * @example
 * isPrivateHost('users:9080'); // true, as are 10.0.0.7:9080 and users.slipway.svc.cluster.local
 * isPrivateHost('rebind.example.com:9080'); // false
 */
export function isPrivateHost(header: string | undefined): boolean {
  if (header === undefined) return true;
  const host = header.replace(/:\d+$/, '');
  return isIP(host.replace(/^\[(.*)\]$/, '$1')) !== 0 || privateName.test(host);
}
