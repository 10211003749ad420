import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { docker, whySkipped } from '../support/docker.ts';
import { buildImage, layerSizes, layersOf } from './image.ts';

const why = whySkipped('REQUIRE_IMAGES');

const locked = [
  '--read-only',
  '--cap-drop',
  'ALL',
  '--security-opt',
  'no-new-privileges',
  '--network',
  'none',
];
const settings = { STORE_URL: 'sqlite::memory:', SERVICE_TOKEN: 'a token of some length' };

/** Starts a locked-down container; it is removed after the test. */
async function start(image: string, env: Record<string, string> = settings): Promise<string> {
  const given = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  const id = await docker(['run', '--detach', ...locked, ...given, image]);
  onTestFinished(async () => void (await docker(['rm', '--force', id])));
  return id;
}

const stateOf = async (id: string) => JSON.parse(await docker(['inspect', '-f', '{{json .State}}', id]));

async function until(
  id: string,
  reached: (state: { Status: string; Health: { Status: string } }) => boolean,
) {
  for (const end = Date.now() + 60_000; Date.now() < end; await wait(200)) {
    const state = await stateOf(id);
    if (reached(state)) return state;
  }
  throw new Error(`The container did not get there: ${await docker(['logs', id])}`);
}

describe.skipIf(why)(`a container of a service${why}`, () => {
  let image: string;
  beforeAll(async () => {
    image = await buildImage('users', 'test');
  }, 300_000);

  it('becomes healthy on a read-only file system without any right, and writes nothing', async () => {
    const id = await start(image);
    await until(id, ({ Health }) => Health.Status === 'healthy');
    expect(await docker(['diff', id])).toBe('');
  }, 90_000);

  it.each(['077', '027'])(
    'becomes healthy if it was built from a clone under umask %s',
    async (umask) => {
      const clone = mkdtempSync(join(tmpdir(), 'slipway-clone-'));
      onTestFinished(() => rmSync(clone, { recursive: true }));
      for (const path of [
        'Dockerfile',
        '.dockerignore',
        'package.json',
        'package-lock.json',
        'apps',
        'libs',
        'scripts',
      ]) {
        cpSync(path, join(clone, path), {
          recursive: true,
          filter: (from) => !/node_modules|apps\/\w+\/data/.test(from),
        });
      }
      execFileSync('chmod', ['-R', umask === '077' ? 'go=' : 'g-w,o=', clone]);
      const id = await start(await buildImage('users', `umask-${umask}`, clone));
      await until(id, ({ Health }) => Health.Status === 'healthy');
    },
    300_000,
  );

  it('drains as process 1 at `docker stop` and exits with 0', async () => {
    const id = await start(image, { ...settings, DRAIN_DELAY_MS: '500' });
    await until(id, ({ Health }) => Health.Status === 'healthy');
    await docker(['stop', '--timeout', '30', id]);
    expect(await stateOf(id)).toMatchObject({ Status: 'exited', ExitCode: 0, OOMKilled: false });
    const messages = (await docker(['logs', id])).split('\n').map((line) => JSON.parse(line).msg);
    expect(messages.slice(-2)).toEqual(['draining', 'stopped']);
  }, 90_000);

  it('says what is wrong with its settings and exits with 2', async () => {
    const id = await start(image, { STORE_URL: 'sqlite::memory:' });
    expect(await until(id, ({ Status }) => Status === 'exited')).toMatchObject({ ExitCode: 2 });
  }, 90_000);

  it('names the lines of our sources in a stack trace', async () => {
    const wrong = ['run', '--rm', ...locked, image, 'dist/make-accounts.js', '/root-url', '/store-url'];
    const failed = await docker(wrong).catch(({ stderr }) => stderr);
    expect(failed).toMatch(/at .*\/libs\/store-mongodb\/src\/make-accounts\.ts:\d+:\d+/);
  });

  it('takes every module from the compile cache of its image', async () => {
    const id = await start(image, {
      ...settings,
      OTEL_TRACES_EXPORTER: 'zipkin',
      NODE_DEBUG_NATIVE: 'COMPILE_CACHE',
    });
    await until(id, ({ Health }) => Health.Status === 'healthy');
    const { stderr } = spawnSync('docker', ['logs', id], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
    const lines = stderr.split('\n').filter((line) => line.startsWith('[compile cache]'));
    expect(
      lines.filter((line) => line.endsWith('was accepted, keeping the in-memory entry')).length,
    ).toBeGreaterThan(10);
    expect(lines.filter((line) => /reading cache/.test(line) && !/success/.test(line))).toEqual([]);
    expect(lines.filter((line) => / was rejected|Cannot/.test(line))).toEqual([]);
  }, 90_000);
});

describe.skipIf(why)(`a change in the sources${why}`, () => {
  it('makes only small layers again', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'slipway-build-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    for (const name of [
      'Dockerfile',
      '.dockerignore',
      'package.json',
      'package-lock.json',
      'scripts/images',
      'apps',
      'libs',
    ]) {
      const filter = (path: string) => !path.includes('node_modules');
      cpSync(new URL(`../../${name}`, import.meta.url), join(folder, name), { recursive: true, filter });
    }
    const before = await layersOf(await buildImage('users', 'test-before', folder));
    const file = join(folder, 'apps/users/src/main.ts');
    writeFileSync(file, `${readFileSync(file, 'utf8')}\nprocess.title = 'changed';\n`);
    const image = await buildImage('users', 'test-after', folder);
    onTestFinished(async () => void (await docker(['rmi', 'slipway/users:test-before', image])));
    const after = await layersOf(image);

    const kept = after.filter((digest, index) => digest === before[index]).length;
    const sizes = (await layerSizes(image)).filter((bytes) => bytes > 0);
    const made = sizes.slice(0, after.length - kept).reduce((sum, bytes) => sum + bytes, 0);
    console.log(
      `a changed file: ${after.length - kept} of ${after.length} layers, ${(made / 1e6).toFixed(1)} MB`,
    );
    expect(made).toBeGreaterThan(0);
    expect(made).toBeLessThan(10e6);
  }, 300_000);
});
