import { describe } from '../support/load.ts';
import { rollout } from '../support/rollout.ts';

const main = new URL('main.ts', import.meta.url);

const { outcomes } = await rollout({ main, probe: { port: 'port', path: '/status' } });
console.log(`two replicas, replaced with a probe: ${describe(outcomes)}`);
