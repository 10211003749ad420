import { existsSync } from 'node:fs';
import { getTrace, listTraces, type Trace, type TraceSummary } from '@slipway/contracts/gateway';
import { listUsers } from '@slipway/contracts/users';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { failedPayment } from '../support/failed-payment.ts';
import { ok, send } from '../support/http.ts';
import { eventually, newPerson, type Person } from '../support/people.ts';
import { journey } from '../support/suites.ts';
import type { Target } from '../support/target.ts';

const root = new URL('../../', import.meta.url);
const hasSources = existsSync(new URL('apps/gateway/src', root));

/** The service and name of each span, with a dot for each span above it. */
const drawn = ({ spans }: Trace) =>
  spans.map(({ service, name, depth }) => `${'.'.repeat(depth)}${service} ${name}`);

journey('the traces of the system', (open) => {
  let target: Target;
  let token: string;
  let person: Person;
  beforeAll(async () => {
    target = await open();
    token = await target.adminToken();
    person = await newPerson(target.base, 'Grace');
  });
  afterAll(() => target.close());

  // Each replica of the gateway has the requests that it served itself, and another connection may reach another one.
  const headers = { connection: 'close' };
  const listed = (what: string, isIt: (trace: TraceSummary) => boolean) =>
    eventually(what, async () => {
      const { items } = await ok(target.base, listTraces, { headers } as object, { token });
      return items.find(isIt);
    });
  const input = (traceId: string) => ({ params: { traceId }, headers });
  const find = (traceId: string) =>
    eventually(`the trace ${traceId} is found`, async () => {
      const { body } = await send(target.base, getTrace, input(traceId), { token });
      const trace = body as Trace;
      return trace.services?.includes('gateway') && trace;
    });

  it('show a failed request through all services that it crossed, with source files and no personal data', async () => {
    const traceId = await failedPayment(target.base, person, token);
    const name = 'POST /api/v1/invoices/:invoiceId/payments';
    const isOfGateway = (each: TraceSummary) => each.traceId === traceId && each.services[0] === 'gateway';
    expect(await listed('the failed request is listed', isOfGateway)).toMatchObject({
      ...{ reason: 'failed', status: 503, name },
    });
    const trace = await find(traceId);
    expect(trace.services).toEqual(['gateway', 'billing']);
    const [request, call, payment, ...work] = drawn(trace);
    expect([request, call, payment]).toEqual([
      `gateway ${name}`,
      '.gateway billing payInvoice',
      `..billing ${name}`,
    ]);
    expect(work).toContain('...billing payment-provider charge');
    expect(work.some((each) => each.startsWith('...billing store invoices.'))).toBe(true);
    for (const { name, file = '' } of trace.spans) {
      expect([name, file]).toEqual([name, expect.stringMatching(/^apps\//)]);
      // The image of the journeys has no sources of the services.
      if (hasSources) expect([file, existsSync(new URL(file, root))]).toEqual([file, true]);
    }
    const text = JSON.stringify(trace);
    for (const secret of [person.email, person.user.id, person.token, 'Grace', 'pm_late']) {
      expect(text).not.toContain(secret);
    }
  }, 60_000);

  it("show an administrator's request", async () => {
    await ok(target.base, listUsers, {}, { token });
    const name = 'GET /api/v1/users';
    const isIt = (each: TraceSummary) => each.reason === 'administrator' && each.name === name;
    const { traceId } = await listed("an administrator's request is listed", isIt);
    expect(drawn(await find(traceId))[0]).toBe(`gateway ${name}`);
  });

  it('are hidden from everyone else', async () => {
    for (const [operation, input] of [
      [listTraces, {}],
      [getTrace, { params: { traceId: 'a'.repeat(32) } }],
    ] as const) {
      const answer = await send(target.base, operation, input as never, { token: person.token });
      expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } });
      expect((await send(target.base, operation, input as never)).status).toBe(401);
    }
  });
});
