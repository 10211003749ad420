import type { LedgerEntry } from '@slipway/contracts/billing';
import type { MongoStore } from '@slipway/store-mongodb/database';
import type { LedgerStore } from '../ledger.ts';
import { toSafeNumber } from '../money.ts';
import type { KeptInvoice } from './mongo-invoices.ts';

/** Reads the ledger out of the invoices, in which its entries were written. */
export function mongoLedger(store: MongoStore): LedgerStore {
  const invoices = store.collection<KeptInvoice>('invoices');
  return {
    async balances() {
      const found = await store.command((options) => invoices.aggregate(addUp, options).toArray());
      return found.map(({ _id: { account, currency }, balance }) => ({
        account: String(account),
        currency: String(currency),
        balance: toSafeNumber(BigInt(String(balance))),
      }));
    },
    async list(limit, after = { at: '', id: '' }) {
      const { at, id } = after;
      const pipeline = [
        { $match: { 'entries.at': { $gte: at } } },
        { $unwind: '$entries' },
        { $replaceRoot: { newRoot: '$entries' } },
        { $match: { $or: [{ at: { $gt: at } }, { at, id: { $gt: id } }] } },
        { $sort: { at: 1, id: 1 } },
        { $limit: limit },
      ];
      return store.command((options) => invoices.aggregate<LedgerEntry>(pipeline, options).toArray());
    },
  };
}

/** As whole numbers of 64 bits: the driver writes large amounts as doubles, whose sums are not always exact. */
const addUp = [
  { $unwind: '$entries' },
  { $unwind: '$entries.postings' },
  {
    $group: {
      _id: { account: '$entries.postings.account', currency: '$entries.currency' },
      balance: { $sum: { $toLong: '$entries.postings.amount' } },
    },
  },
  { $sort: { '_id.account': 1, '_id.currency': 1 } },
];
