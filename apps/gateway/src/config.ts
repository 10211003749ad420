import { platformSettings, ServiceUrl } from '@slipway/platform/service/settings';
import Type, { type Static } from 'typebox';

const address = (service: string, port: number) =>
  ServiceUrl({
    default: `http://127.0.0.1:${port}`,
    description: `Address of ${service}: http://host:port (several are separated by commas), dns+http://host:port, or srv+http://name`,
  });

const statusAddress = (service: string, port: number) =>
  Type.String({
    default: `http://127.0.0.1:${port}/status`,
    pattern: '^https?://',
    description: `Address of the readiness endpoint of ${service}: /status on its management port`,
  });

/** The settings of the gateway. */
export const settings = Type.Object({
  ...platformSettings.properties,
  USERS_URL: address('users', 4001),
  BILLING_URL: address('billing', 4002),
  REPORTING_URL: address('reporting', 4003),
  USERS_STATUS_URL: statusAddress('users', 4101),
  BILLING_STATUS_URL: statusAddress('billing', 4102),
  REPORTING_STATUS_URL: statusAddress('reporting', 4103),
  TRUSTED_PROXIES: Type.String({
    default: '',
    description:
      'Load balancers whose X-Forwarded-* headers are trusted: IP addresses, CIDR ranges, loopback, linklocal or uniquelocal, comma-separated',
  }),
  PAGE_LINKS: Type.String({
    default: '',
    description: 'Additional links on the start page: name=http://address, comma-separated',
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
