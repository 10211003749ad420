import { aligned } from '../aligned.ts';
import type { Totals } from './expected.ts';

/**
 * Formats an amount of minor units.
 *
 * @example
 * money(123456n, 'EUR'); // '1,234.56'
 */
export function money(minor: bigint, currency: string): string {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency });
  const { maximumFractionDigits: digits = 2 } = format.resolvedOptions();
  const [sign, absolute] = minor < 0n ? ['-', -minor] : ['', minor];
  const text = String(absolute).padStart(digits + 1, '0');
  const whole = BigInt(text.slice(0, text.length - digits)).toLocaleString('en');
  return digits === 0 ? `${sign}${whole}` : `${sign}${whole}.${text.slice(-digits)}`;
}

const heads = ['Plan', '', 'paid: computed', 'reported', 'refunded: computed', 'reported', 'net'];

/** Formats the computed revenue next to the reported revenue, one line per plan and currency. */
export function revenueTable(computed: Totals, reported: Totals): string {
  const keys = [...new Set([...computed.keys(), ...reported.keys()])].sort();
  const rows = keys.map((key) => {
    const [planId = '', currency = ''] = key.split(' ');
    const [paid, refunded] = computed.get(key)?.sums ?? [0n, 0n];
    const [reportedPaid, reportedRefunded] = reported.get(key)?.sums ?? [0n, 0n];
    const amounts = [paid, reportedPaid, refunded, reportedRefunded, reportedPaid - reportedRefunded];
    return [planId, currency, ...amounts.map((amount) => money(amount, currency))];
  });
  return aligned([heads, ...rows], (column) => column >= 2)
    .map((line) => `  ${line}`)
    .join('\n');
}
