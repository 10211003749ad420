import type { Operation } from '@slipway/contract-kit/operation';
import { responses } from '@slipway/contract-kit/responses';
import Type, { type Static } from 'typebox';
import { Timestamp } from './schemas.ts';

const tags = ['gateway'];

export const ServiceState = Type.Object({
  name: Type.String(),
  state: Type.Enum(['starting', 'ready', 'unready', 'draining', 'closing', 'stopped', 'unreachable'], {
    description: 'unready: running, but a dependency is down; unreachable: did not respond',
  }),
  version: Type.Optional(Type.String()),
  upSeconds: Type.Optional(Type.Integer({ minimum: 0, description: 'Seconds since the service started' })),
  down: Type.Array(Type.String(), { description: 'Names of the dependencies that are down' }),
  notices: Type.Optional(
    Type.Array(Type.String(), {
      description: 'Warnings for everyone, such as a test setting that is on',
    }),
  ),
});
export type ServiceState = Static<typeof ServiceState>;

export const System = Type.Object({
  ready: Type.Boolean({ description: 'Whether every service is ready' }),
  checkedAt: Timestamp,
  services: Type.Array(ServiceState),
});
export type System = Static<typeof System>;

export const getSystem = {
  method: 'GET',
  url: '/api/v1/system',
  schema: {
    operationId: 'getSystem',
    summary: 'Returns the state, version and uptime of each service',
    description: 'A service that does not respond within one second is unreachable.',
    tags,
    response: responses({ 200: System }),
  },
  config: { access: 'public' },
} as const satisfies Operation;

export const getOpenApi = {
  method: 'GET',
  url: '/api/v1/openapi.json',
  schema: {
    operationId: 'getOpenApi',
    summary: 'Returns this document: all operations in OpenAPI 3.1',
    tags,
    response: responses({ 200: Type.Object({ openapi: Type.String() }, { additionalProperties: true }) }),
  },
  config: { access: 'public' },
} as const satisfies Operation;
