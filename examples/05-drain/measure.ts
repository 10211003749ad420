import { describe } from '../support/load.ts';
import { rollout } from '../support/rollout.ts';

const main = new URL('main.ts', import.meta.url);

const { outcomes, exits } = await rollout({
  main,
  probe: { port: 'management', path: '/status' },
  env: { DRAIN_DELAY_MS: '1000' },
});
console.log(`drain: ${describe(outcomes)}; the processes ended with ${exits.join(' and ')}`);
