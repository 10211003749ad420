import { Type } from '@slipway/contract-kit/type';
import { platformSettings, ServiceUrl } from '@slipway/platform/service/settings';
import type { Static, TString } from 'typebox';
import { statusUrlOf, type UpstreamName, upstreamNames, urlOf } from './upstreams.ts';

/** Ports of the first service under `npm start`. The others have the next ports, in the order of `operations`. */
const firstPort = 4001;
const firstManagementPort = 4101;

const address = (service: string, index: number) =>
  ServiceUrl({
    default: `http://127.0.0.1:${firstPort + index}`,
    description: `Address of ${service}: http://host:port (several are separated by commas), dns+http://host:port, or srv+http://name`,
  });

const statusAddress = (service: string, index: number) =>
  ServiceUrl({
    default: `http://127.0.0.1:${firstManagementPort + index}/status`,
    description: `Address of the readiness endpoint of ${service}, /status on its management port, in the same forms`,
  });

type Addresses = {
  [Name in UpstreamName as `${Uppercase<Name>}_URL` | `${Uppercase<Name>}_STATUS_URL`]: TString;
};

/** Two addresses for each service that the gateway forwards to. */
const addresses = Object.fromEntries([
  ...upstreamNames.map((name, index) => [urlOf(name), address(name, index)]),
  ...upstreamNames.map((name, index) => [statusUrlOf(name), statusAddress(name, index)]),
]) as Addresses;

/** The settings of the gateway. */
export const settings = Type.Object({
  ...platformSettings.properties,
  ...addresses,
  TRUSTED_PROXIES: Type.String({
    default: '',
    description:
      'Load balancers whose X-Forwarded-* headers are trusted: IP addresses, CIDR ranges, loopback, linklocal or uniquelocal, comma-separated',
  }),
  PAGE_LINKS: Type.String({
    default: '',
    description: 'Additional links on the start page: name=http://address, comma-separated',
  }),
  DOCS_URL: Type.String({
    default: 'https://github.com/your-organisation/slipway/blob/main/docs',
    pattern: '^https?://.',
    description: 'Address of the folder docs/ that the console links to',
  }),
  MAX_VIEWERS: Type.Integer({
    default: 250,
    minimum: 0,
    maximum: 10_000,
    description: 'Maximum viewers of the console at the same time, in each replica of the gateway',
  }),
  RATE_LIMIT: Type.Integer({
    default: 3000,
    minimum: 1,
    description:
      'Maximum requests per minute of one caller, which is a person or, without a token, a client address',
  }),
  RATE_LIMIT_SIGN_IN: Type.Integer({
    default: 120,
    minimum: 1,
    description: 'Maximum sign-ups and logins per minute from one client address',
  }),
});
export type Settings = Static<typeof settings>;
