/** Prints what becomes of each trouble with each protection: `node tests/overload/run.ts`, some five minutes. */
import { meet, type Trouble, troubles } from './trouble.ts';

const protections = [
  { guards: true, budget: true },
  { guards: true, budget: false },
  { guards: false, budget: true },
  { guards: false, budget: false },
];
process.stdout.write(
  '| trouble | guards | retry budgets | before | during | from 5 s after its end | from 20 s after |\n',
);
process.stdout.write('| --- | --- | --- | ---: | ---: | ---: | ---: |\n');
for (const trouble of Object.keys(troubles) as Trouble[]) {
  for (const protection of protections) {
    const { before, during, after, last } = await meet(trouble, protection, 25);
    const shares = [before, during, after, last].map((share) => share.toFixed(2)).join(' | ');
    const onOff = [protection.guards, protection.budget].map((on) => (on ? 'on' : 'off')).join(' | ');
    process.stdout.write(`| ${trouble} | ${onOff} | ${shares} |\n`);
  }
}
