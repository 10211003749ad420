import type { TObject } from 'typebox';
import { buildService, type ServiceDefinition, type ServiceStore } from '../service/service.ts';
import { readSettings } from '../service/settings.ts';

/** The secret that the services of a test present to each other. */
export const serviceToken = 'secret-between-services';

/**
 * Builds a service with the wiring of production. It stores its data in memory, logs nothing, and does not listen.
 *
 * @param env settings that differ from that
 */
export async function buildTestService<Schema extends TObject, Store extends ServiceStore | undefined>(
  definition: ServiceDefinition<Schema, Store>,
  env: Record<string, string> = {},
  options?: Parameters<typeof buildService>[2],
) {
  const settings = readSettings(definition.settings, {
    STORE_URL: 'sqlite::memory:',
    SERVICE_TOKEN: serviceToken,
    LOG_LEVEL: 'silent',
    ...env,
  });
  const service = await buildService(definition, settings, options);
  service.lifecycle.advance('ready');
  return service;
}
