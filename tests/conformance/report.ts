import { checkPromise, type Result } from './promise.ts';
import { promises } from './promises.ts';
import type { Target } from './target.ts';

/** Checks all promises of a service, and prints each result. Resolves with the number of broken promises. */
export async function checkAndPrint(target: Target): Promise<number> {
  const results: Result[] = [];
  for (const promise of promises) {
    const result = await checkPromise(promise, target);
    results.push(result);
    print(result);
  }
  const count = (outcome: Result['outcome']) => results.filter((each) => each.outcome === outcome).length;
  const counts = `${count('kept')} kept, ${count('broken')} broken, ${count('left out')} left out`;
  console.log(`${target.description.name}: ${counts}`);
  return count('broken');
}

function print({ outcome, name, why }: Result): void {
  const indent = ' '.repeat(10);
  const reason = why ? `\n${indent}${why.replaceAll('\n', `\n${indent}`)}` : '';
  console.log(`${outcome.padEnd(8)}  ${name}${reason}`);
}
