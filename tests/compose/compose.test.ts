import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { JobOperations } from '@slipway/contract-kit/jobs';
import { listPlans } from '@slipway/contracts/billing';
import { jobs } from '@slipway/contracts/operations';
import { listQuestions } from '@slipway/contracts/reporting';
import { getMe, logIn } from '@slipway/contracts/users';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serviceNames } from '../../scripts/system.ts';
import { runsOf } from '../docs/fences.ts';
import { type Place, runPage } from '../docs/run-page.ts';
import { docker, whySkipped } from '../support/docker.ts';
import { ok } from '../support/http.ts';
import { runNow } from '../support/jobs.ts';
import { eventually, newPerson } from '../support/people.ts';
import { type ComposeSystem, composeSystem, readJson, serviceOf } from './system.ts';

const minutes = 60_000;
const why = whySkipped('REQUIRE_COMPOSE');
const initContainers = ['readable', 'secrets', 'mongodb-users'];
/** Its first block attaches to the system, which stops when the page ends. */
const ownPage = 'docs/compose.md';

/** The tests follow one system from its first start to its second, in the order in which they stand here. */
describe.skipIf(why)(`the Compose system${why}`, () => {
  let system: ComposeSystem;
  let base: string;
  beforeAll(async () => {
    system = await composeSystem();
    base = system.urls.gateway;
    await system.compose('build');
    console.log(`compose up to ready: ${((await system.up()) / 1000).toFixed(1)} s`);
  }, 10 * minutes);
  afterAll(() => system.remove(), 2 * minutes);

  const print = "process.stdout.write(fs.readFileSync('/run/secrets/admin-password', 'utf8').trim())";
  const adminPassword = () => system.compose('exec', '-T', 'users', '/nodejs/bin/node', '-e', print);

  it(
    'passes the journeys',
    async () => {
      const env = {
        ...process.env,
        SLIPWAY_URL: base,
        SLIPWAY_ADMIN_EMAIL: 'admin@slipway.local',
        SLIPWAY_ADMIN_PASSWORD: await adminPassword(),
      };
      const child = spawn('npx', ['vitest', 'run', '--dir', 'tests/journeys'], { env, stdio: 'inherit' });
      expect(await once(child, 'exit')).toEqual([0, null]);
    },
    5 * minutes,
  );

  it(
    'answers the questions about what reporting has exported with Spark, as reporting itself does',
    async () => {
      const body = { email: 'admin@slipway.local', password: await adminPassword() };
      const { accessToken: token } = await ok(base, logIn, { body });
      const ask = async (question: string, engine: string) => {
        const url = `${base}/api/v1/reports/questions/${question}?engine=${engine}`;
        const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
        expect([question, engine, answer.status]).toEqual([question, engine, 200]);
        return (await answer.json()) as { items: unknown[] };
      };
      // Reporting takes the events of the journeys a while after they were stored.
      const hasEvents = async () => {
        await runNow(jobs.reporting as JobOperations, { params: { job: 'event-export' } }, { base, token });
        return (await ask('churn', 'duckdb')).items.length > 0;
      };
      await eventually('the export has events', hasEvents, minutes, 1_000);
      await docker(['compose', 'run', '--rm', 'spark'], system.env);
      const { items: questions } = await ok(base, listQuestions, {}, { token });
      for (const { name } of questions) expect(await ask(name, 'spark')).toEqual(await ask(name, 'duckdb'));
    },
    10 * minutes,
  );

  it(
    'leads from the gateway’s page to every other page, which are all there',
    async () => {
      const page = await (await fetch(base, { headers: { accept: 'text/html' } })).text();
      const links = [...page.matchAll(/<a href="(http[^"]+)">(\w+)</g)].map(([, url = '', name]) => ({
        name,
        url,
      }));
      expect(links.map(({ name }) => name)).toEqual(['Traces', 'Metrics', 'Alerts', 'Dashboards']);
      const { zipkin, prometheus, alertmanager, grafana } = system.urls;
      expect(links.map(({ url }) => new URL(url).origin)).toEqual([
        zipkin,
        prometheus,
        alertmanager,
        grafana,
      ]);
      for (const path of [
        `${zipkin}/health`,
        `${prometheus}/-/ready`,
        `${alertmanager}/-/ready`,
        `${grafana}/api/health`,
      ]) {
        await eventually(
          `${path} answers`,
          async () => (await fetch(path).catch(() => undefined))?.ok,
          2 * minutes,
        );
      }
    },
    10 * minutes,
  );

  it(
    'shows every replica to Prometheus, which has its rules and its Alertmanager',
    async () => {
      const { prometheus } = system.urls;
      await eventually(
        'every service is scraped',
        async () => {
          const { data } = await readJson(
            `${prometheus}/api/v1/query?query=${encodeURIComponent('up == 1')}`,
          );
          const up = data.result.map(({ metric }: { metric: { service: string } }) => metric.service);
          return serviceNames.every((name) => up.includes(name));
        },
        minutes,
      );
      const { data: rules } = await readJson(`${prometheus}/api/v1/rules`);
      expect(rules.groups.length).toBeGreaterThan(0);
      const { data: alerting } = await readJson(`${prometheus}/api/v1/alertmanagers`);
      expect(alerting.activeAlertmanagers).toHaveLength(1);
    },
    2 * minutes,
  );

  it(
    'sends the spans of every service to Zipkin',
    async () => {
      await eventually(
        'Zipkin knows every service',
        async () => {
          // A request of each kind: what was sent before Zipkin had started is lost.
          await newPerson(base);
          await ok(base, listPlans, {});
          const known = (await readJson(`${system.urls.zipkin}/api/v2/services`)) ?? [];
          return serviceNames.every((name) => known.includes(name));
        },
        minutes,
      );
    },
    2 * minutes,
  );

  it('gives no container root, rights that it does not need, all of the machine, or a secret to inspect', async () => {
    for (const container of await system.containers()) {
      const service = serviceOf(container);
      const { ReadonlyRootfs, CapDrop, SecurityOpt, Memory, NanoCpus } = container.HostConfig;
      expect([service, SecurityOpt]).toEqual([service, ['no-new-privileges:true']]);
      expect([service, Memory > 0, NanoCpus > 0]).toEqual([service, true, true]);
      // MongoDB's start script changes the user itself, which takes rights.
      if (service !== 'mongodb') expect([service, ReadonlyRootfs, CapDrop]).toEqual([service, true, ['ALL']]);
      if (initContainers.includes(service)) continue;
      const known = (container.Config.Env ?? []).filter((each) =>
        /(TOKEN|PASSWORD|SECRET|STORE_URL)=/.test(each),
      );
      const secret = known.filter((each) => !each.startsWith('STORE_URL=datastore://'));
      expect([service, secret]).toEqual([service, []]);
      const users = (await docker(['top', container.Id, '-eo', 'pid,uid'])).split('\n').slice(1);
      expect([service, users.some((line) => /\s0$/.test(line))]).toEqual([service, false]);
    }
  });

  it('listens on loopback only', async () => {
    const bindings = (await system.containers()).flatMap(({ HostConfig }) =>
      Object.values(HostConfig.PortBindings)
        .flat()
        .map(({ HostIp }) => HostIp),
    );
    expect(bindings).toEqual(Array(5).fill('127.0.0.1'));
  });

  describe('the commands of a page', () => {
    let place: Place;
    beforeAll(async () => {
      const { gateway, zipkin, prometheus, alertmanager, grafana } = system.urls;
      const host = (url: string) => new URL(url).host;
      const addresses = {
        8080: host(gateway),
        9411: host(zipkin),
        9090: host(prometheus),
        9093: host(alertmanager),
        3000: host(grafana),
      };
      const body = { email: 'admin@slipway.local', password: await adminPassword() };
      const { accessToken: TOKEN } = await ok(base, logIn, { body });
      place = { ports: addresses, env: { ...process.env, ...system.env, TOKEN } };
      const isUp = async () => (await fetch(`${zipkin}/health`).catch(() => undefined))?.ok;
      await eventually('Zipkin, which starts last, answers', isUp, minutes);
    }, 2 * minutes);

    const pages = runsOf('compose').filter(([page]) => page !== ownPage);
    it.each(pages)('run in %s', { timeout: minutes }, async (_page, fences) => {
      await runPage(fences, place);
    });
  });

  it.each([
    ['gateway', 'users:8080', true],
    ['gateway', 'mongodb:27017', false],
    ['gateway', 'datastore:8081', false],
    ['users', 'mongodb:27017', true],
    ['users', 'datastore:8081', false],
    ['billing', 'mongodb:27017', true],
    ['reporting', 'datastore:8081', true],
    ['reporting', 'mongodb:27017', false],
  ])('lets %s reach %s: %s', async (from, to, reachable) => {
    const [host, port] = to.split(':');
    const script = `require('node:net').connect(${port}, '${host}', () => process.exit(0)).on('error', () => process.exit(7)).setTimeout(3000, () => process.exit(7))`;
    const attempt = system.compose('exec', '-T', from, '/nodejs/bin/node', '-e', script);
    if (reachable) await attempt;
    else await expect(attempt).rejects.toMatchObject({ code: 7 });
  });

  it(
    'uses both replicas of a scaled service, and loses no request when one stops',
    async () => {
      await system.compose('up', '--detach', '--no-recreate', '--scale', 'billing=2', 'billing');
      const replicas = await system.containers('billing');
      expect(replicas).toHaveLength(2);

      const metric = 'http_server_request_duration_seconds_count{service="billing",route="/api/v1/plans"}';
      const query = `${system.urls.prometheus}/api/v1/query?query=${encodeURIComponent(metric)}`;
      await eventually(
        'both replicas have answered',
        async () => {
          for (let i = 0; i < 20; i += 1) await ok(base, listPlans, {});
          const { data } = await readJson(query);
          const used = data.result.filter(({ value }: { value: [number, string] }) => Number(value[1]) > 0);
          return (
            new Set(used.map(({ metric }: { metric: { instance: string } }) => metric.instance)).size === 2
          );
        },
        2 * minutes,
      );

      let stopped = false;
      const stopping = docker(['stop', '--timeout', '60', replicas[0]?.Id ?? '']).then(() => {
        stopped = true;
      });
      let answered = 0;
      for (; !stopped; answered += 1) await ok(base, listPlans, {});
      await stopping;
      for (let i = 0; i < 50; i += 1) await ok(base, listPlans, {});
      console.log(`${answered} requests while one of two replicas stopped, none failed`);
      expect(answered).toBeGreaterThan(50);
    },
    4 * minutes,
  );

  it('tells what memory it uses', async () => {
    const ids = (await system.compose('ps', '--quiet')).split('\n');
    const lines = await docker(['stats', '--no-stream', '--format', '{{.Name}} {{.MemUsage}}', ...ids]);
    console.log(lines);
    const used = lines.split('\n').map((line) => mebibytes(line.split(' ')[1] ?? ''));
    const sum = used.reduce((total, each) => total + each, 0);
    console.log(`memory of the whole: ${sum.toFixed(0)} MiB in ${used.length} containers`);
    expect(sum).toBeGreaterThan(0);
    expect(sum).toBeLessThan(2_500);
  });

  it(
    `drains when the \`docker compose up\` of ${ownPage} is stopped, and has everything again after it`,
    async () => {
      const person = await newPerson(base);
      const secret = await adminPassword();
      const [[, fences] = [ownPage, []]] = runsOf('compose').filter(([page]) => page === ownPage);
      const words = { 'slipway/users:dev': `slipway/users:${system.env.IMAGE_TAG}` };
      const env = { ...process.env, ...system.env };
      const [, shown] = await runPage(fences, { ports: {}, words, env, limit: 8 * minutes });
      expect(shown).toContain(secret);
      const ended = (await system.containers()).filter((each) =>
        [...serviceNames, 'mongodb'].includes(serviceOf(each)),
      );
      expect(ended.length).toBeGreaterThanOrEqual(5);
      expect(ended.map(({ Name, State }) => [Name, State.Status, State.ExitCode])).toEqual(
        ended.map(({ Name }) => [Name, 'exited', 0]),
      );

      await system.up();
      expect(await adminPassword()).toBe(secret);
      const { email, password, user } = person;
      const { accessToken } = await ok(base, logIn, { body: { email, password } });
      expect(await ok(base, getMe, {}, { token: accessToken })).toMatchObject({ id: user.id });
    },
    10 * minutes,
  );
});

/** Docker's way to write bytes, such as `1.5GiB`. */
function mebibytes(text: string): number {
  const units: Record<string, number> = { B: 2 ** -20, KiB: 2 ** -10, MiB: 1, GiB: 1024 };
  const [, number, unit = ''] = /^([\d.]+)(\w+)$/.exec(text) ?? [];
  return Number(number) * (units[unit] ?? Number.NaN);
}
