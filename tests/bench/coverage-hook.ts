/**
 * Loaded into a service by NODE_OPTIONS=--import. At each SIGUSR2 it writes the files of this repository that have run
 * since the last one, each with the largest number of calls of one of its functions.
 */
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import process from 'node:process';

const root = new URL('../..', import.meta.url).href;
const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });

process.on('SIGUSR2', async () => {
  const { result } = await session.post('Profiler.takePreciseCoverage');
  const files = result
    .filter(({ url }) => url.startsWith(root) && !url.includes('/node_modules/'))
    .map(({ url, functions }) => [
      url.slice(root.length),
      Math.max(...functions.map(({ ranges }) => ranges[0]?.count ?? 0)),
    ]);
  writeFileSync(`${process.env.COVERAGE_FOLDER}/${process.pid}.json`, JSON.stringify(files));
});
