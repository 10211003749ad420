/** The schemas of operations, events and settings, as JSON Schema. A service does not check this when it starts. */
import type { Operation } from '@slipway/contract-kit/operation';
import { eventSchemas } from '@slipway/contracts/events';
import { operations } from '@slipway/contracts/operations';
import { deliverEvents } from '@slipway/platform/events/inbox';
import { platformSettings } from '@slipway/platform/service/settings';
import { Ajv } from 'ajv';
import { expect, it } from 'vitest';
import { serviceNames } from '../../scripts/system.ts';

const ajv = new Ajv();

/** Returns what is wrong with a schema, if anything is. */
const mistakesIn = (schema: object) =>
  ajv.validateSchema(schema) ? [] : (ajv.errors ?? []).map(({ instancePath }) => instancePath);

function schemasOf({ method, url, schema }: Operation): [string, object][] {
  const { params, querystring, headers, body, response } = schema;
  return Object.entries({ params, querystring, headers, body, ...response })
    .filter(([, part]) => part !== undefined)
    .map(([name, part]) => [`${name} of ${method} ${url}`, part as object]);
}

async function settingsOf(service: string): Promise<[string, object]> {
  const { settings } = await import(`../../apps/${service}/src/config.ts`);
  return [`settings of ${service}`, settings];
}

const all = [
  ...Object.values(operations).flat().flatMap(schemasOf),
  ...schemasOf(deliverEvents),
  ...Object.entries(eventSchemas),
  ['settings of all', platformSettings] as [string, object],
  ...(await Promise.all(serviceNames.map(settingsOf))),
];

it.each(all)('is a schema: %s', (_name, schema) => {
  expect(mistakesIn(schema)).toEqual([]);
});

it('finds a wrong schema', () => {
  const part = { type: 'object', properties: { name: { type: 'strin' } } };
  expect(mistakesIn(part)).toContain('/properties/name/type');
});
