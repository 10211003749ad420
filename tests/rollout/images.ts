import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type ServiceName, serviceNames } from '../../scripts/system.ts';
import { kubectl } from '../support/kubectl.ts';

const run = promisify(execFile);

/** Deploys an image of each service that differs from the running one by a label only, as `skaffold deploy` does it. */
export async function deployNewImages(): Promise<void> {
  const images = await Promise.all(serviceNames.map(newImage));
  const modules = ['--module', serviceNames.join(',')];
  await run('skaffold', ['deploy', ...modules, '--images', images.join(',')], { timeout: 240_000 });
}

/** Two tags take turns, so that no rehearsal leaves one behind. */
async function newImage(service: ServiceName): Promise<string> {
  const path = 'jsonpath={.spec.template.spec.containers[0].image}';
  const running = await kubectl('get', 'deployment', service, '-o', path);
  const tag = `slipway/${service}:rehearsal-${running.endsWith('rehearsal-a') ? 'b' : 'a'}`;
  const building = run('docker', [
    'build',
    '--quiet',
    '--tag',
    tag,
    '--label',
    `rehearsed=${Date.now()}`,
    '-',
  ]);
  building.child.stdin?.end(`FROM ${running}\n`);
  await building;
  return tag;
}
