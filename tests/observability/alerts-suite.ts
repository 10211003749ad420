import { getRevenue } from '@slipway/contracts/reporting';
import { logIn } from '@slipway/contracts/users';
import { describe, expect, it } from 'vitest';
import { ok, send } from '../support/http.ts';
import { eventually } from '../support/people.ts';
import type { Alertmanager } from './alertmanager.ts';
import type { Chain } from './chain.ts';
import type { Watched } from './watched.ts';

/** Kills a service, and brings it back: the suite that must come last. */
export function alertsSuite(watched: () => Watched<Chain>): void {
  const stateOf = async ({ prometheus }: Chain, name: string, service: string) => {
    const alerts = await prometheus.alerts();
    return alerts.find(({ labels }) => labels.alertname === name && labels.service === service)?.state;
  };
  const toldOf = ({ webhook }: Chain, name: string, service: string) =>
    webhook.told.filter(({ labels }) => labels.alertname === name && labels.service === service);

  describe('a service that is killed', () => {
    it('is told of to whoever is on duty, after 30 s', { timeout: 90_000 }, async () => {
      const { chain } = watched();
      await chain.system.services.reporting.kill('SIGKILL');
      const state = () => stateOf(chain, 'ServiceAbsent', 'reporting');
      await eventually('the alert is pending', async () => (await state()) === 'pending');
      expect(toldOf(chain, 'ServiceAbsent', 'reporting')).toEqual([]);
      await eventually('the alert fires', async () => (await state()) === 'firing', 60_000);
      const told = async () => toldOf(chain, 'ServiceAbsent', 'reporting')[0];
      expect(await eventually('the webhook is told', told)).toMatchObject({
        status: 'firing',
        labels: { severity: 'page', component: 'reporting' },
        annotations: {
          summary: 'No replica of reporting is reachable',
          runbook_url: 'docs/runbooks/service-absent.md',
        },
      });
    });

    it('fails the calls to it, and no others, in the graph of Zipkin', async () => {
      const { system, zipkin } = watched().chain;
      const { accessToken: token } = await ok(system.base, logIn, { body: system.admin });
      for (const _ of [1, 2, 3])
        expect(await send(system.base, getRevenue, {}, { token })).toMatchObject({ status: 503 });
      const errors = async (child: string) => {
        const edges = await zipkin.dependencies();
        return edges.find((edge) => edge.parent === 'gateway' && edge.child === child)?.errorCount ?? 0;
      };
      const failed = async () => {
        const spans = (await zipkin.traces()).flat();
        const calls = spans.filter(
          ({ kind, localEndpoint }) => kind === 'CLIENT' && localEndpoint.serviceName === 'gateway',
        );
        return calls.filter(
          ({ remoteEndpoint, tags }) => remoteEndpoint?.serviceName === 'reporting' && tags?.error,
        );
      };
      await eventually('Zipkin counts each failed attempt', async () => {
        const attempts = (await failed()).length;
        return attempts >= 3 && attempts === (await errors('reporting'));
      });
      expect(await errors('users')).toBe(0);
    });

    it('is told of again when it is back', async () => {
      const { chain } = watched();
      await chain.system.services.reporting.start();
      await eventually(
        'the alert is over',
        async () => !(await stateOf(chain, 'ServiceAbsent', 'reporting')),
      );
      const resolved = async () => toldOf(chain, 'ServiceAbsent', 'reporting').at(-1)?.status === 'resolved';
      await eventually('the webhook is told', resolved);
    });
  });

  describe('Alertmanager', () => {
    const absent = { alertname: 'ServiceAbsent', severity: 'page', service: 'users', component: 'users' };
    const away = {
      alertname: 'DependencyDown',
      severity: 'page',
      service: 'billing',
      component: 'billing-store',
    };
    const consequences = [
      { alertname: 'TargetDown', severity: 'ticket', service: 'users', component: 'users' },
      { alertname: 'BreakerOpen', severity: 'ticket', service: 'gateway', component: 'users' },
      { alertname: 'ServiceUnready', severity: 'ticket', service: 'billing', component: 'billing' },
      { alertname: 'ErrorBudgetBurn', severity: 'page', service: 'billing', component: 'billing' },
      // The page about the same problem is in `others`.
      { alertname: 'ErrorBudgetBurn', severity: 'ticket', service: 'gateway', component: 'gateway' },
    ];
    const others = [
      { alertname: 'BreakerOpen', severity: 'ticket', service: 'gateway', component: 'reporting' },
      { alertname: 'ErrorBudgetBurn', severity: 'page', service: 'gateway', component: 'gateway' },
    ];

    it('tells the cause and what has another one, and is silent about consequences', async () => {
      const { alertmanager, webhook } = watched().chain;
      await alertmanager.post([absent, away, ...consequences, ...others]);
      for (const labels of consequences)
        expect(await silenced(alertmanager, labels), labels.alertname).toBe(true);
      for (const labels of [absent, away, ...others])
        expect(await silenced(alertmanager, labels)).toBe(false);
      await eventually('the others are told', async () =>
        [absent, away, ...others].every((labels) =>
          webhook.told.some((told) => isEqual(told.labels, labels)),
        ),
      );
      for (const labels of consequences) {
        expect(webhook.told.filter((told) => isEqual(told.labels, labels))).toEqual([]);
      }
    });
  });
}

async function silenced(alertmanager: Alertmanager, labels: Record<string, string>): Promise<boolean> {
  const alert = await eventually('Alertmanager has decided', async () => {
    const found = (await alertmanager.alerts()).find((alert) => isEqual(alert.labels, labels));
    return found && found.state !== 'unprocessed' && found;
  });
  return alert.state === 'suppressed';
}

function isEqual(a: Record<string, string>, b: Record<string, string>): boolean {
  const names = Object.keys({ ...a, ...b });
  return names.every((name) => a[name] === b[name]);
}
