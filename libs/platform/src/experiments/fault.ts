import type { Fault } from '@slipway/contract-kit/experiment';

const ms = '(?<ms>[1-9][0-9]{0,3}|[1-5][0-9]{4}|60000)ms';

/** The form of the setting `FAULT`. It is the only check of its value, at the start. */
export const faultPattern = `^(?<on>service|store):((?<kind>error|hang)|latency:${ms})(:(?<percent>[1-9][0-9]?|100)%)?$`;

const form = new RegExp(faultPattern);

/**
 * Parses a fault; `undefined` if it has not the form of the setting.
 *
 * @example
 * parseFault('store:latency:500ms'); // { on: 'store', kind: 'latency', ms: 500 }
 * parseFault('service:error:20%'); // { on: 'service', kind: 'error', share: 0.2 }
 */
export function parseFault(text: string): Fault | undefined {
  const groups = form.exec(text)?.groups;
  if (!groups) return undefined;
  const { on, kind = 'latency', ms, percent } = groups;
  return {
    on: on as Fault['on'],
    kind: kind as Fault['kind'],
    ...(ms && { ms: Number(ms) }),
    ...(percent && { share: Number(percent) / 100 }),
  };
}

/** Describes a fault in one sentence, for people. */
export function describeFault({ on, kind, ms, share = 1 }: Fault): string {
  const each = on === 'store' ? 'store command' : 'request';
  const subject = share === 1 ? `Each ${each}` : `${Math.round(share * 100)} % of the ${each}s`;
  const [takes, fails, hangs] = share === 1 ? ['takes', 'fails', 'hangs'] : ['take', 'fail', 'hang'];
  if (kind === 'latency') return `${subject} ${takes} ${ms} ms longer.`;
  return `${subject} ${kind === 'error' ? fails : hangs}.`;
}

/** Returns whether a request or a command has the fault, by chance if only a share of them has it. */
export function isHit({ share = 1 }: Fault, random = Math.random): boolean {
  return share === 1 || random() < share;
}
