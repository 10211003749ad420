import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { askSpark } from '@slipway/reporting/analytics/spark';
import type { Question } from '@slipway/reporting/questions';
import { docker } from '../../support/docker.ts';
import { usageOf } from '../process-usage.ts';
import { type Asked, hashOf } from './ask.ts';

/** Is asked first: its answer shows what the start costs. */
const start: Question = {
  name: 'start',
  title: 'How many events are there?',
  sql: 'SELECT count(*) AS events FROM events',
  chart: { value: 'events', label: 'events', series: [] },
};

/**
 * Measures each question with Spark in its image, in one application, as `npm run analytics` asks it. A question ends when
 * its file `_SUCCESS` appears. CPU and memory are those of the process of Java.
 */
export async function measureSpark(questions: Question[], folder: string, work: string, memory: string) {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  const all = [start, ...questions];
  const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const failed = new AbortController();
  const running = askSpark(all, { folder, work, user, memory }).finally(() => failed.abort());
  const watching = watch(all, work, failed.signal);
  const answers = await running;
  const costs = await watching;
  return Object.fromEntries(
    answers.map(({ question: { name }, table }) => [name, { ...costs[name], hash: hashOf(table) } as Asked]),
  );
}

async function watch(questions: Question[], work: string, ended: AbortSignal) {
  const costs: Record<string, Omit<Asked, 'hash'>> = {};
  let [before, cpuBefore] = [performance.now(), 0];
  let java: number | undefined;
  for (const { name } of questions) {
    let [cpu, peakMegabytes] = [cpuBefore, 0];
    const look = () => {
      if (java === undefined || !existsSync(`/proc/${java}`)) return;
      const { cpuMs, ownMegabytes, sharedMegabytes } = usageOf(java);
      cpu = cpuMs / 1e3;
      peakMegabytes = Math.max(peakMegabytes, ownMegabytes + sharedMegabytes);
    };
    while (!existsSync(join(work, name, '_SUCCESS')) && !ended.aborted) {
      look();
      await wait(20);
    }
    const now = performance.now();
    java ??= await javaIn(work);
    look();
    costs[name] = { seconds: (now - before) / 1e3, cpuSeconds: cpu - cpuBefore, peakMegabytes };
    [before, cpuBefore] = [now, cpu];
  }
  return costs;
}

/** Returns the process ID of Java in the container that has mounted a folder. */
async function javaIn(work: string): Promise<number> {
  const containers = (await docker(['ps', '--quiet'])).split('\n');
  const format = '{{.Id}}{{range .Mounts}} {{.Source}}{{end}}';
  const mounted = (await docker(['inspect', '--format', format, ...containers])).split('\n');
  const [container = ''] = mounted.find((line) => line.split(' ').includes(work))?.split(' ') ?? [];
  const processes = await docker(['top', container, '-eo', 'pid,comm']);
  const [, pid] = /(\d+)\s+java/.exec(processes) ?? [];
  if (!pid) throw new Error(`No process of Java has mounted ${work}:\n${processes}`);
  return Number(pid);
}
