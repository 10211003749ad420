/** Exports a store once, and prints what that costs as JSON: node measured-export.ts <store URL> <folder> <memory> */
import process from 'node:process';
import { exportEvents } from '../analytics/export.ts';
import { openEvents } from '../store/open-events.ts';

/** The cost of an export. The peak is the resident memory of the whole process. */
export type ExportCost = { events: number; seconds: number; cpuSeconds: number; peakMegabytes: number };

const [, , url = '', folder = '', memory] = process.argv;
const store = await openEvents(url);
const startedAt = performance.now();
const before = process.cpuUsage();
const { events } = await exportEvents({ store, folder, memory });
const { user, system } = process.cpuUsage(before);
const cost: ExportCost = {
  events,
  seconds: (performance.now() - startedAt) / 1e3,
  cpuSeconds: (user + system) / 1e6,
  peakMegabytes: (process.resourceUsage().maxRSS * 1_024) / 1e6,
};
process.stdout.write(JSON.stringify(cost));
await store.close();
