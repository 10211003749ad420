import { readFileSync } from 'node:fs';

export type Usage = { cpuMs: number; ownMegabytes: number; sharedMegabytes: number };

/** Returns the CPU time and the resident memory of a process since its start, as the kernel counts them (Linux). */
export function usageOf(pid: number): Usage {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const [resident = 0, shared = 0] = readFileSync(`/proc/${pid}/statm`, 'utf8')
    .split(' ')
    .slice(1, 3)
    .map((pages) => (Number(pages) * 4_096) / 1e6);
  // Of user and system, in ticks of 10 ms.
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { cpuMs: ticks * 10, ownMegabytes: resident - shared, sharedMegabytes: shared };
}
