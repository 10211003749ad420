import { getTrialBalance, listPlans } from '@slipway/contracts/billing';
import { rebuild } from '@slipway/contracts/reporting';
import { anonymous, type Call, inParallel, logIn } from '../client.ts';
import { addTo, areEqual, difference, invoiceTotal, quantities, type Totals } from './expected.ts';
import { participants, usageOf } from './participants.ts';
import { number, type Progress, perSecond } from './progress.ts';
import { caughtUp, recurringOf, revenueOf, settled } from './reported.ts';
import { bill, join, leave, type Person, pay, refund, sendUsage } from './steps.ts';
import { revenueTable } from './table.ts';

export type Options = {
  base: string;
  admin: { email: string; password: string };
  seed: string;
  users: number;
  records: number;
};

/** A condition that must be true at the end, and whether it is. */
export type Check = { what: string; holds: boolean };

export const stepCount = 9;

/**
 * Simulates people who sign up, subscribe, use the service, pay and get refunds. Compares the figures with figures that
 * it computes from the same input. Others may use the system, but must not change subscriptions or payments.
 */
export async function tellStory(
  options: Options,
  progress: Progress,
  stopping: AbortSignal,
): Promise<Check[]> {
  const { base } = options;
  const checks: Check[] = [];
  const check = (what: string, holds: boolean) => checks.push({ what, holds });
  const admin = await logIn(base, options.admin, stopping);
  const [revenue, recurring] = [revenueOf(admin), recurringOf(admin)];

  const before = progress.step('Reading the reports before the demo');
  const revenueBefore = await settled(revenue, stopping);
  const recurringBefore = await recurring();
  before.done(revenueBefore.size === 0 ? 'empty' : 'others have paid before; only new amounts are compared');

  const people = await joinAll(options, progress, stopping);
  await use(people, progress, check);

  const subscribed = progress.step('Comparing the recurring revenue');
  const expectedRecurring = recurringRevenue(people);
  const isRecurring = (now: Totals) => areEqual(difference(now, recurringBefore), expectedRecurring);
  check('recurring revenue as computed', isRecurring(await caughtUp(recurring, isRecurring, stopping)));
  subscribed.done(`${people.length} more subscriptions`);

  const { computed, owing } = await settleUp(people, admin, progress, check);

  const counting = progress.step('Waiting for reporting, and rebuilding the figures');
  const isRevenue = (now: Totals) => areEqual(difference(now, revenueBefore), computed);
  await caughtUp(revenue, isRevenue, stopping);
  const recount = await admin(rebuild, {});
  check('rebuilt figures are equal', recount.equal);
  check('ledger is balanced', await isBalanced(admin));
  const reported = difference(await revenue(), revenueBefore);
  check('revenue as computed, to the cent', areEqual(reported, computed));
  counting.done(`${number(recount.events)} events`);

  const leaving = progress.step('Deleting the accounts that have paid');
  const left = await inParallel(owing, 4, leave);
  check('everybody who owes nothing can delete the account', left.every(Boolean));
  const isGone = (now: Totals) => areEqual(now, recurringBefore);
  check('no recurring revenue from deleted accounts', isGone(await caughtUp(recurring, isGone, stopping)));
  leaving.done(`${left.length} accounts`);

  progress.say(`\n${revenueTable(computed, reported)}\n`);
  return checks;
}

async function joinAll(options: Options, progress: Progress, stopping: AbortSignal): Promise<Person[]> {
  const { items: plans } = await anonymous(options.base, stopping)(listPlans, {});
  const run = Date.now().toString(36);
  const step = progress.step(`Signing up and subscribing ${options.users} people`);
  const people = await join(options.base, participants(options, run, plans), step.count, stopping);
  step.done(`to ${plans.map(({ id }) => id).join(', ')}`);
  return people;
}

async function use(people: Person[], progress: Progress, check: (what: string, holds: boolean) => void) {
  const all = people.reduce((sum, { records }) => sum + records, 0);
  const sending = progress.step(`Sending ${number(all)} usage records through the gateway`);
  const startedAt = Date.now();
  const first = await sendUsage(people, sending.count);
  const seconds = ((Date.now() - startedAt) / 1_000).toFixed(1);
  sending.done(`${seconds} s, ${number(perSecond(all, startedAt))} records a second`);
  // A stream that failed was sent again, so some records may be duplicates.
  check('every usage record accepted', first.accepted + first.duplicates === all && first.rejected === 0);

  const again = progress.step('Sending a tenth of them again');
  const second = await sendUsage(people, again.count, 0.1);
  check('every duplicate recognized', second.duplicates === second.sent);
  again.done(`${number(second.duplicates)} duplicates, ${number(second.accepted)} new`);
}

/** Bills, takes payments and refunds. Returns the expected totals, and the people who had to pay before leaving. */
async function settleUp(
  people: Person[],
  admin: Call,
  progress: Progress,
  check: (what: string, holds: boolean) => void,
): Promise<{ computed: Totals; owing: Person[] }> {
  const billing = progress.step('Deleting accounts, which ends the month and issues invoices');
  const billed = await bill(people);
  const due = billed.map(({ person, hasLeft, invoices }) => ({
    ...{ person, hasLeft },
    invoice: invoices[0],
    total: invoiceTotal(person.plan, quantities(usageOf(person, person.subscription))),
    isOne: invoices.length === 1,
  }));
  check(
    'one invoice per person, as computed',
    due.every(({ isOne, invoice, total }) => isOne && BigInt(invoice?.total ?? -1) === total),
  );
  check(
    'nobody who owes money can delete the account',
    due.every(({ hasLeft, total }) => hasLeft === (total === 0n)),
  );
  billing.done(`${billed.length} invoices`);

  const computed: Totals = new Map();
  const paying = progress.step('Paying and refunding');
  let done = 0;
  let refunds = 0;
  await inParallel(due, 8, async ({ person, invoice, total }) => {
    if (!invoice || total === 0n) return;
    const payment = await pay(person, invoice);
    if (!payment) return;
    const refunded = await refund(person, payment, total, admin);
    addTo(computed, person.plan.id, person.plan.currency, total, refunded);
    if (refunded > 0n) refunds += 1;
    paying.count(++done, due.length);
  });
  check('every invoice paid', done === due.filter(({ total }) => total > 0n).length);
  paying.done(`${done} payments, ${refunds} refunds`);
  return { computed, owing: due.filter(({ hasLeft }) => !hasLeft).map(({ person }) => person) };
}

function recurringRevenue(people: Person[]): Totals {
  const totals: Totals = new Map();
  for (const { plan } of people) addTo(totals, plan.id, plan.currency, 1n, BigInt(plan.price));
  return totals;
}

/** Sums up the accounts here as well, instead of relying on `balanced` alone. */
async function isBalanced(admin: Call): Promise<boolean> {
  const { balanced, accounts } = await admin(getTrialBalance, {});
  const sums = new Map<string, bigint>();
  for (const { currency, balance } of accounts) {
    sums.set(currency, (sums.get(currency) ?? 0n) + BigInt(balance));
  }
  return balanced && accounts.length > 0 && [...sums.values()].every((sum) => sum === 0n);
}
