import { payInvoice } from '@slipway/contracts/billing';
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/people.ts';
import { orphans, tree } from './tree.ts';
import { logLines, type Watched } from './watched.ts';

const signUpTree = `
gateway server post /api/v1/users
  gateway client users signup → users
    users server post /api/v1/users
      users client store createaccount → mongodb
      reporting consumer event user.signed_up
        reporting client store apply → datastore
`;

const paymentTree = `
gateway server post /api/v1/invoices/:invoiceid/payments
  gateway client billing payinvoice → billing
    billing server post /api/v1/invoices/:invoiceid/payments
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
  const asIs = (expected: string) => (real ? expected : expected.replaceAll(/ → (mongodb|datastore)/g, ''));

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

    it('show a sign-up from the gateway to the report, found by its correlation id', async () => {
      const { chain, journey } = watched();
      const lines = logLines(chain).filter(({ correlationId }) => correlationId === journey.correlationId);
      const requests = lines.filter(({ msg }) => msg === 'request');
      expect(requests.map(({ service }) => service).sort()).toEqual(['gateway', 'users']);
      const [traceId, ...others] = new Set(lines.map((line) => String(line.traceId)));
      expect(others).toEqual([]);
      expect(`\n${tree(await chain.zipkin.trace(String(traceId)))}`).toBe(asIs(signUpTree));
    });

    it('show a payment with each of its commands', async () => {
      const { chain } = watched();
      const paid = logLines(chain).find(
        ({ service, route, status }) => service === 'gateway' && route === payInvoice.url && status === 201,
      );
      expect(`\n${tree(await chain.zipkin.trace(String(paid?.traceId)))}`).toBe(asIs(paymentTree));
    });

    it('make a graph of who calls whom, databases included', async () => {
      const edges = await watched().chain.zipkin.dependencies();
      const calls = edges.map(({ parent, child }) => `${parent} → ${child}`);
      const stores = ['users → mongodb', 'billing → mongodb', 'reporting → datastore'];
      expect(calls.sort()).toEqual(
        [
          'gateway → users',
          'gateway → billing',
          'gateway → reporting',
          'users → reporting',
          'billing → reporting',
          'billing → users',
          'reporting → users',
          ...(real ? stores : []),
        ].sort(),
      );
      expect(
        edges.find(({ parent, child }) => parent === 'gateway' && child === 'billing'),
      ).not.toHaveProperty('errorCount');
    });
  });
}
