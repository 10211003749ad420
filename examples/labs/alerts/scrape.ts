import { type ServiceName, serviceNames, system } from '../../../scripts/system.ts';
import { keyOf, type Labels, parseMetrics, type SeriesStore } from './series.ts';

/** Time limit of a scrape; milliseconds. */
const timeLimit = 2_000;

/** A value that is itself an age or a delay in seconds. Where minutes are seconds, it counts in the same way. */
const isAge = /_(age|overdue)_seconds$/;

/** Returns a function that reads /metrics of all services under `npm start`, and adds what it read to the store. */
export function createScraper(
  store: SeriesStore,
  names: Set<string>,
  env: NodeJS.ProcessEnv,
  factor: number,
): (at: number) => Promise<void> {
  const before = new Map<ServiceName, Map<string, Labels>>();

  async function scrape(service: ServiceName, at: number): Promise<void> {
    const port = Number(env[`${service.toUpperCase()}_MANAGEMENT_PORT`] || system[service].management);
    const text = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(timeLimit) })
      .then((response) => response.text())
      .catch(() => undefined);
    const target = { job: 'slipway', instance: `127.0.0.1:${port}` };
    store.add({ __name__: 'up', service, ...target }, at, text === undefined ? 0 : 1);
    const now = new Map<string, Labels>();
    for (const [labels, value] of parseMetrics(text ?? '', names)) {
      const named = { ...target, ...labels };
      store.add(named, at, isAge.test(labels.__name__ ?? '') ? value * factor : value);
      now.set(keyOf(named), named);
    }
    for (const [key, labels] of before.get(service) ?? [])
      if (!now.has(key)) store.add(labels, at, undefined);
    before.set(service, now);
  }
  return async (at) => {
    await Promise.all(serviceNames.map((service) => scrape(service, at)));
  };
}
