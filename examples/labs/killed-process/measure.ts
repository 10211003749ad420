import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startReplica, untilListens } from '../../support/replica.ts';

/** Acknowledged records that are not in the file, when the process is killed. */
const waiting = 20;

const scratch = mkdtempSync(join(tmpdir(), 'slipway-lab-'));
const file = join(scratch, 'records.txt');
const naive = await startReplica(new URL('naive.ts', import.meta.url), { FILE: file });
await untilListens(naive.port);

const stored = () => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0);
let acknowledged = 0;
while (stored() === 0 || acknowledged - stored() < waiting) {
  const response = await fetch(`http://127.0.0.1:${naive.port}/r${acknowledged}`);
  if (response.ok) acknowledged += 1;
}
naive.stop('SIGKILL');
await naive.exited;

const left = stored();
rmSync(scratch, { recursive: true });
console.log(`naive.ts: ${acknowledged} acknowledged, ${left} stored, ${acknowledged - left} lost`);
