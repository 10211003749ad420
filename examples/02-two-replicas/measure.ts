import { describe } from '../support/load.ts';
import { rollout } from '../support/rollout.ts';

const main = new URL('main.ts', import.meta.url);

const { outcomes } = await rollout({ main, probe: 'none' });
console.log(`two replicas, replaced without a probe: ${describe(outcomes)}`);
