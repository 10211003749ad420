import { readFileSync } from 'node:fs';

/** A CPU profile of V8, as DevTools reads it: times are in microseconds, and `samples` are ids of `nodes`. */
type CpuProfile = {
  startTime: number;
  nodes: { id: number; callFrame: { functionName: string; url: string } }[];
  samples: number[];
  timeDeltas: number[];
};

/** A function, and its share of the CPU time. */
type FunctionCost = { what: string; share: number };

/** Names of V8 for what is no function, and their meaning. */
const known: Record<string, string> = {
  '(garbage collector)': 'garbage collection',
  '(program)': 'V8 and Node outside of JavaScript',
};

/**
 * Returns the functions in a CPU profile, the most expensive first. A function costs the time that was spent in itself, not
 * in the functions that it calls.
 *
 * @param period on the clock of the profile; microseconds
 */
export function costsIn(file: string, { from, to }: { from: number; to: number }): FunctionCost[] {
  const { nodes, samples, timeDeltas, startTime }: CpuProfile = JSON.parse(readFileSync(file, 'utf8'));
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const costs = new Map<string, number>();
  let now = startTime;
  let busy = 0;
  for (const [index, id] of samples.entries()) {
    const delta = timeDeltas[index] ?? 0;
    now += delta;
    const name = names.get(id) ?? '';
    if (now < from || now > to || name === '(idle)') continue;
    busy += delta;
    costs.set(name, (costs.get(name) ?? 0) + delta);
  }
  const sorted = [...costs].toSorted(([, a], [, b]) => b - a);
  return sorted.map(([what, cost]) => ({ what, share: cost / busy }));
}

/** Returns the name of a function, and the package or file that it is from. */
function nameOf({ functionName, url }: CpuProfile['nodes'][number]['callFrame']): string {
  const name = known[functionName] ?? (functionName || 'an anonymous function');
  if (url === '') return functionName.startsWith('(') ? name : `\`${name}\`, native`;
  const installed = url.split('/node_modules/').at(-1) ?? '';
  if (installed === url) return `\`${name}\`, ${url.replace(/.*\/((apps|libs)\/)/, '$1')}`;
  const [scope = '', rest] = installed.split('/');
  return `\`${name}\`, ${scope.startsWith('@') ? `${scope}/${rest}` : scope}`;
}
