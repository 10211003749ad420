import * as experimentSchemas from '@slipway/contract-kit/experiment';
import type { JobOperations } from '@slipway/contract-kit/jobs';
import * as jobSchemas from '@slipway/contract-kit/jobs';
import type { Operation } from '@slipway/contract-kit/operation';
import type { TSchema } from 'typebox';
import * as billing from './billing.ts';
import * as gateway from './gateway.ts';
import * as reporting from './reporting.ts';
import * as schemas from './schemas.ts';
import * as users from './users.ts';

/** The contract of each service. The gateway forwards to every service listed here, and documents it. */
const contracts = { users, billing, reporting, gateway };

export type ServiceName = keyof typeof contracts;

/** The operations on the jobs of each service that has jobs: its contract exports them as `jobs`. */
export const jobs = Object.fromEntries(
  Object.entries(contracts).flatMap(([name, contract]) =>
    'jobs' in contract ? [[name, contract.jobs]] : [],
  ),
) as Partial<Record<ServiceName, JobOperations>>;

/** All operations by the service that serves them. An operation that a contract exports is included automatically. */
export const operations = Object.fromEntries(
  Object.entries(contracts).map(([name, contract]) => [
    name,
    [...operationsOf(contract), ...operationsOf(jobs[name as ServiceName] ?? {})],
  ]),
) as Record<ServiceName, Operation[]>;

/** All schemas that the contracts export, by name. */
export const namedSchemas: Record<string, TSchema> = Object.fromEntries(
  [...Object.values(contracts), schemas, jobSchemas, experimentSchemas].flatMap((module) =>
    Object.entries(module).filter(isSchema),
  ),
);

function operationsOf(module: object): Operation[] {
  return Object.values(module).filter(isOperation);
}

function isOperation(value: unknown): value is Operation {
  return typeof value === 'object' && value !== null && 'method' in value && 'url' in value;
}

function isSchema(entry: [string, unknown]): entry is [string, TSchema] {
  const [, value] = entry;
  return typeof value === 'object' && value !== null && '~kind' in value;
}
