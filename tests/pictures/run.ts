/**
 * Makes the pictures of the README from a real run, and writes their figures there: `npm run pictures`.
 *
 * Restarts the replicas of billing under load, first without a drain and then with it, and draws what was measured. It takes
 * two minutes; run it on an otherwise idle machine.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { trouble } from '../rollout/figures.ts';
import { describeRollouts, drawRollouts, resultOf } from './draw-rollout.ts';
import { drawSystem } from './draw-system.ts';
import { loadBefore, type Rollout, rollOut } from './rollout.ts';

const folder = new URL('../../docs/pictures/', import.meta.url);

/** Runs a rollout, and says on the terminal how it went and what failed. */
async function measured(name: string, isNaive: boolean): Promise<Rollout> {
  const run = await rollOut(isNaive);
  const kinds = trouble([...run.short, ...run.long], run.begin);
  process.stdout.write(`${[`${name}: ${resultOf(run)}`, ...kinds].join('\n  ')}\n`);
  return run;
}

const naive = await measured('without a drain', true);
const drained = await measured("with the platform's drain", false);

mkdirSync(folder, { recursive: true });
writeFileSync(new URL('rollout.svg', folder), drawRollouts(naive, drained));
writeFileSync(new URL('system.svg', folder), drawSystem(drained.calls, loadBefore));

const readme = new URL('../../README.md', import.meta.url);
const link = /!\[[^\]]*\](?=\(docs\/pictures\/rollout\.svg\))/;
writeFileSync(readme, readFileSync(readme, 'utf8').replace(link, `![${describeRollouts(naive, drained)}]`));
process.stdout.write('The pictures are in docs/pictures, and the figures in the README.\n');
