/** The source files that spans name by a rule exist. Those of handlers and calls are read from the stack. */
import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { serviceNames, storesOf } from '../../scripts/system.ts';

const root = new URL('../../', import.meta.url);
const stores = serviceNames.flatMap((service) =>
  storesOf(service).map((technology) => [service, technology]),
);

it.each(stores)('the store of %s on %s is opened by a file of that name', (service, technology) => {
  expect(existsSync(new URL(`apps/${service}/src/store/${technology}.ts`, root))).toBe(true);
});
