import { platformSettings, ServiceUrl } from '@slipway/platform/service/settings';
import Type, { type Static } from 'typebox';

const address = (service: string, port: number) =>
  ServiceUrl({
    default: `http://127.0.0.1:${port}`,
    description: `Address of ${service}: http://host:port, several with commas between, dns+http://host:port, or srv+http://name`,
  });

const statusAddress = (service: string, port: number) =>
  Type.String({
    default: `http://127.0.0.1:${port}/status`,
    pattern: '^https?://',
    description: `Where ${service} tells whether it is ready: /status of its management port`,
  });

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
      'Load balancers in front whose X-Forwarded-* headers are believed: addresses, CIDR networks, or loopback, linklocal, uniquelocal, with commas between',
  }),
  PAGE_LINKS: Type.String({
    default: '',
    description: 'Links that the start page shows besides its own: name=http://address, with commas between',
  }),
  RATE_LIMIT: Type.Integer({
    default: 3000,
    minimum: 1,
    description: 'Requests a minute that one caller may make: one person, else one client address',
  }),
  RATE_LIMIT_SIGN_IN: Type.Integer({
    default: 120,
    minimum: 1,
    description: 'Sign-ups and log-ins a minute that may come from one client address',
  }),
});
export type Settings = Static<typeof settings>;
