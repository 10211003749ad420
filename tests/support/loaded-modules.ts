import { serviceNames } from '../../scripts/system.ts';
import { startSystem } from './system.ts';

/** A module that Node runs before a service: it prints the address of each module that is loaded. */
const printer = `
  import { registerHooks } from 'node:module';
  registerHooks({
    load(url, context, next) {
      process.stderr.write('loaded ' + url + '\\n');
      return next(url, context);
    },
  });
`;

/** Starts the system, and returns the addresses of the modules that each service loads until it is ready and stops. */
export async function loadedModules(): Promise<Record<string, string[]>> {
  const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(printer)}`;
  // The first export may begin before the system stops, and loads DuckDB.
  const system = await startSystem({ env: { NODE_OPTIONS, ANALYTICS_FOLDER: '' } });
  // Only when a process has ended is all of its output here.
  await system.stop();
  return Object.fromEntries(
    serviceNames.map((name) => [name, system.services[name].output.match(/(?<=^loaded ).*/gm) ?? []]),
  );
}
