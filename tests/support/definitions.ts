/** The definition of each service, loaded by the service's name: `apps/<name>/src/app.ts` exports it under that name. */
import type { ServiceDefinition, ServiceStore } from '@slipway/platform/service/service';
import type { TObject } from 'typebox';
import { type ServiceName, serviceNames } from '../../scripts/system.ts';

type Definition = ServiceDefinition<TObject, ServiceStore | undefined>;

/** @throws {Error} that says which file lacks the definition */
export async function definitionOf(name: ServiceName): Promise<Definition> {
  const { [name]: definition } = await import(`../../apps/${name}/src/app.ts`);
  if (!definition) throw new Error(`apps/${name}/src/app.ts exports no ${name}: use defineService there`);
  return definition;
}

export const definitions = Object.fromEntries(
  await Promise.all(serviceNames.map(async (name) => [name, await definitionOf(name)])),
) as Record<ServiceName, Definition>;
