import { problem } from '@slipway/contracts/errors';
import type { Invoice } from './invoices.ts';
import { type Change, ledgerEntry, transfer } from './ledger.ts';

/**
 * Writes an open invoice off: the amount becomes a loss in the ledger and is no longer owed.
 *
 * @returns `undefined` if this operation has already written it off.
 * @throws {Problem} conflict if the invoice is not open.
 */
export function writeOff(
  invoice: Invoice,
  { id, reason, now }: { id: string; reason: string; now: string },
): Change<Invoice> | undefined {
  if (invoice.writeOff?.id === id) return undefined;
  if (invoice.status !== 'open') throw problem('conflict', `The invoice is ${invoice.status}`);
  const { currency, total, version } = invoice;
  const next: Invoice = {
    ...invoice,
    status: 'written_off',
    writeOff: { id, reason, at: now },
    version: version + 1,
  };
  const description = `Write-off of invoice ${invoice.id}: ${reason}`;
  const entry = ledgerEntry(
    { id: `written-off:${invoice.id}`, at: now, description, currency },
    transfer(total, { from: 'receivable', to: 'write-offs' }),
  );
  return { next, entries: [entry], events: [] };
}
