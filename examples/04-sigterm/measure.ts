import { describe } from '../support/load.ts';
import { rollout } from '../support/rollout.ts';

const main = new URL('main.ts', import.meta.url);

async function measure(ON_SIGTERM: string): Promise<void> {
  const probe = { port: 'port', path: '/status' } as const;
  const { outcomes, exits } = await rollout({ main, probe, env: { ON_SIGTERM } });
  console.log(`${ON_SIGTERM}: ${describe(outcomes)}; the processes ended with ${exits.join(' and ')}`);
}

await measure('exit');
await measure('close');
