import type { Operation } from '@slipway/contract-kit/operation';
import Type, { type Static } from 'typebox';
import { answers, Timestamp } from './schemas.ts';

const tags = ['gateway'];

export const ServiceState = Type.Object({
  name: Type.String(),
  state: Type.Enum(['starting', 'ready', 'unready', 'draining', 'closing', 'stopped', 'away'], {
    description: 'unready: runs, but something it needs is down; away: does not answer',
  }),
  version: Type.Optional(Type.String()),
  upSeconds: Type.Optional(Type.Integer({ minimum: 0, description: 'Seconds since its start' })),
  down: Type.Array(Type.String(), { description: 'What it needs and cannot reach' }),
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
    summary: 'Tells of each service its version, whether it is ready, and how long it is up',
    description: 'A service that does not answer within a second is shown as away.',
    tags,
    response: answers({ 200: System }),
  },
  config: { access: 'public' },
} as const satisfies Operation;

export const getOpenApi = {
  method: 'GET',
  url: '/api/v1/openapi.json',
  schema: {
    operationId: 'getOpenApi',
    summary: 'Reads this document: OpenAPI 3.1 of all operations',
    tags,
    response: answers({ 200: Type.Object({ openapi: Type.String() }, { additionalProperties: true }) }),
  },
  config: { access: 'public' },
} as const satisfies Operation;
