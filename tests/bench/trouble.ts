import { meet, type Trouble, troubles } from '../overload/trouble.ts';
import { table, writeReport } from './report.ts';

const protections = [
  { guards: true, budget: true },
  { guards: true, budget: false },
  { guards: false, budget: true },
  { guards: false, budget: false },
];
/** Seconds for which a run is watched after its trouble. */
const watched = 25;

/** Measures the effect of 10 s of trouble on a service whose clients retry, with and without guards and retry budgets. */
export async function trouble(): Promise<void> {
  const rows: string[][] = [];
  for (const name of Object.keys(troubles) as Trouble[]) {
    const { lacks } = troubles[name];
    if (lacks) throw new Error(`${name} cannot be measured without ${lacks}`);
    for (const { guards, budget } of protections) {
      const { before, during, after, last } = await meet(name, { guards, budget }, watched);
      const shares = [before, during, after, last].map((share) => share.toFixed(2));
      rows.push([`${name}; guards ${onOff(guards)}, retry budgets ${onOff(budget)}`, ...shares]);
      process.stdout.write(`  ${rows.at(-1)?.join(' | ')}\n`);
    }
  }
  writeReport('trouble', table(['', 'before', 'during', '5 s after its end', '20 s after'], rows));
}

const onOff = (on: boolean) => (on ? 'on' : 'off');
