import { setImmediate as nextIteration } from 'node:timers/promises';
import type { Priority } from '@slipway/contract-kit/operation';
import { vi } from 'vitest';
import { Admission } from '../overload/admission.ts';
import { CpuShare } from '../overload/cpu-share.ts';

type Sent = { priority?: Priority; client?: string; ms?: number; timeout?: number };

/**
 * Admission without a network, warm by default. Each request computes for `ms`, which is 5 by default. On the clock of
 * these tests only that takes time, so that a busy machine changes no decision.
 *
 * @param cpu the share of a processor that the process gets
 */
export function openAdmission({ coldFor = 0, cpu = 1 }: { coldFor?: number; cpu?: number } = {}) {
  const time = { now: 0, idle: 0 };
  vi.spyOn(performance, 'now').mockImplementation(() => time.now);
  const served: string[] = [];
  const rejected: string[] = [];
  const admission = new Admission({
    reject: (reason, { url }) => rejected.push(`${reason} ${url}`),
    flowOf: ({ headers }) => ({ priority: headers.priority as Priority, client: String(headers.client) }),
    coldFor,
    cpuShare: new CpuShare(() => (time.now - time.idle) * cpu),
  });
  /** Sends a request; returns it. */
  const send = (url: string, { priority = 'interactive', client = '', ms = 5, timeout }: Sent = {}) => {
    const headers = {
      priority,
      client,
      ...(timeout !== undefined && { 'x-request-timeout-ms': `${timeout}` }),
    };
    const request = { url, headers, socket: { destroyed: false } };
    admission.admit(request as never, {} as never, () => {
      served.push(url);
      time.now += ms;
    });
    return request;
  };
  const sendMany = (count: number, sent: Sent = {}) => {
    for (let n = 0; n < count; n += 1) send('many', sent);
  };
  const iterate = async (count: number) => {
    for (let n = 0; n < count; n += 1) await nextIteration();
  };
  /** Waits until all requests are served or rejected. */
  const end = async () => {
    for (let n = 0; n < 1_000 && admission.load.waiting > 0; n += 1) await nextIteration();
  };
  return { time, admission, served, rejected, send, sendMany, iterate, end };
}

/** The queue when it knows that requests take 5 ms, and `count` of them wait. */
export async function loadedAdmission(count: number, options: Parameters<typeof openAdmission>[0] = {}) {
  const parts = openAdmission(options);
  parts.sendMany(count + 31);
  await parts.iterate(30);
  if (parts.served.length !== 31) throw new Error('Each iteration starts one request');
  return parts;
}
