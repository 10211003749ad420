import { getSystem } from '@slipway/contracts/gateway';
import type { App } from '@slipway/platform/core/app';
import { createSystem, type SystemOptions } from '../system.ts';

/** Shows the state of every service to anyone. The status is 200, whatever that state is. */
export function registerSystemRoutes(app: App, options: SystemOptions): void {
  const system = createSystem(options);
  app.route({ ...getSystem, handler: () => system() });
}
