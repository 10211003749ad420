import { payInvoice } from '@slipway/contracts/billing';
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/people.ts';
import { orphans, tree } from './tree.ts';
import type { Watched } from './watched.ts';

const signUpTree = `
gateway server post /api/v1/users
  gateway client users signup → users
    users server post /api/v1/users
      users client store accounts.add → mongodb
      reporting consumer event user.signed_up
        reporting client store apply → datastore
`;

const paymentTree = `
gateway server post /api/v1/invoices/:invoiceid/payments
  gateway client billing payinvoice → billing
    billing server post /api/v1/invoices/:invoiceid/payments
      billing client store closedaccounts.closedat → mongodb
      billing client store idempotency.reserve → mongodb
      billing client store invoices.get → mongodb
      billing client store invoices.get → mongodb
      billing client store invoices.replace → mongodb
      billing client payment-provider charge
      billing client store invoices.get → mongodb
      billing client store invoices.replace → mongodb
      billing client store idempotency.complete → mongodb
      reporting consumer event payment.succeeded
        reporting client store apply → datastore
`;

/** @param real whether the stores are servers: an embedded one is nobody else that could be called */
export function tracesSuite(watched: () => Watched, real: boolean): void {
  describe('the traces in Zipkin', () => {
    it('hold every span that was made, each below its parent', async () => {
      const { zipkin, prometheus } = watched().chain;
      await eventually('all spans are in Zipkin', async () => {
        const spans = (await zipkin.traces()).flat().length;
        const exported = await prometheus.value('sum(otel_spans_exported_total)');
        return spans > 100 && spans === exported;
      });
      expect((await zipkin.traces()).flatMap(orphans)).toEqual([]);
      expect(await prometheus.value('sum(otel_spans_dropped_total)')).toBe(0);
    });

    it('make a graph of who calls whom, databases included, and nobody else', async () => {
      const edges = await watched().chain.zipkin.dependencies();
      expect(edges.map(nameOf).sort()).toEqual([...calls, ...keyCalls, ...(real ? storeCalls : [])].sort());
      expect(edges.find((edge) => nameOf(edge) === 'gateway → billing')).not.toHaveProperty('errorCount');
    });
  });
  journeyTraces(watched, real);
}

const calls = [
  'gateway → users',
  'gateway → billing',
  'gateway → reporting',
  'users → reporting',
  'billing → reporting',
];
/** For the keys that tokens are signed with: once in a while. */
const keyCalls = ['billing → users', 'reporting → users'];
const storeCalls = ['users → mongodb', 'billing → mongodb', 'reporting → datastore'];

const nameOf = ({ parent, child }: { parent: string; child: string }) => `${parent} → ${child}`;

/** A relay in every replica may deliver the same event: it is applied once, but seen twice. */
const delivered = /( *reporting consumer .*\n *reporting client .*\n)\1+/g;

/**
 * Compares the journey's traces in Zipkin with the expected trees, also in a shared system.
 *
 * @param replicated whether services have replicas
 */
export function journeyTraces(watched: () => Watched, real: boolean, replicated = false): void {
  const asIs = (expected: string) => (real ? expected : expected.replaceAll(/ → (mongodb|datastore)/g, ''));
  const shows = (traceId: unknown, expected: string) =>
    expect
      .poll(
        async () => {
          const drawn = `\n${tree(await watched().chain.zipkin.trace(String(traceId)))}`;
          return replicated ? drawn.replace(delivered, '$1') : drawn;
        },
        { timeout: 20_000 },
      )
      .toBe(asIs(expected));

  describe('the journey in Zipkin', () => {
    it('shows a sign-up from the gateway to the report, found by its correlation id', async () => {
      const { chain, journey } = watched();
      const all = await chain.lines();
      const lines = all.filter(({ correlationId }) => correlationId === journey.correlationId);
      const requests = lines.filter(({ msg }) => msg === 'request');
      expect(requests.map(({ service }) => service).sort()).toEqual(['gateway', 'users']);
      const [traceId, ...others] = new Set(lines.map((line) => String(line.traceId)));
      expect(others).toEqual([]);
      await shows(traceId, signUpTree);
    });

    it('shows a payment with each of its commands', async () => {
      const lines = await watched().chain.lines();
      const paid = lines.find(
        ({ service, route, status }) => service === 'gateway' && route === payInvoice.url && status === 201,
      );
      await shows(paid?.traceId, paymentTree);
    });

    it('shows who calls whom', async () => {
      const edges = await watched().chain.zipkin.dependencies();
      const expected = [...calls, ...(real ? storeCalls : [])];
      expect(edges.map(nameOf)).toEqual(expect.arrayContaining(expected));
    });
  });
}
