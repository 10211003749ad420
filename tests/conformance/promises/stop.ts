import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { observeDrain } from '../drain.ts';
import { oncePerTarget } from '../once.ts';
import type { ServicePromise } from '../promise.ts';

/** Stops another process of the service, once for each target. */
const drainOf = oncePerTarget(async (target) => observeDrain(await target.start()));

/** Promises about stopping. All but `second-signal` and `wrong-settings` check the same drain. */
export const stop: ServicePromise[] = [
  {
    id: 'unready',
    name: 'is unready immediately after SIGTERM',
    needs: ['command', 'management'],
    async check(target) {
      const { ready } = await drainOf(target);
      assert.equal(ready, 503, `${target.probes.ready} returned ${ready} while the service drained`);
    },
  },
  {
    id: 'alive-in-drain',
    name: 'is alive while it drains',
    needs: ['command', 'management'],
    async check(target) {
      const { alive } = await drainOf(target);
      assert.equal(alive, 200, `${target.probes.alive} returned ${alive} while the service drained`);
    },
  },
  {
    id: 'serves-in-drain',
    name: 'fails no request that is sent within the drain delay',
    needs: ['command'],
    async check(target) {
      const { answers } = await drainOf(target);
      const failures = answers.map((answer) => (typeof answer === 'string' ? answer : answer.status));
      assert.ok(answers.length > 0, 'no request was sent');
      assert.deepEqual(
        failures.filter((status) => status !== 200),
        [],
        'requests failed while the service drained',
      );
    },
  },
  {
    id: 'reconnect',
    name: 'sends Connection: close with every response while it drains',
    needs: ['command'],
    async check(target) {
      const { answers } = await drainOf(target);
      const served = answers.filter((answer) => typeof answer !== 'string');
      const kept = served.filter(({ headers }) => headers.connection !== 'close');
      assert.equal(kept.length, 0, `${kept.length} of ${served.length} responses kept the connection open`);
    },
  },
  {
    id: 'in-flight',
    name: 'finishes a request that was in flight at the signal',
    needs: ['command', 'write'],
    async check(target) {
      const { held } = await drainOf(target);
      assert.ok(typeof held === 'object', `the request failed: ${held}`);
      assert.ok(held.status < 300, `the request was answered with ${held.status}: ${held.body}`);
    },
  },
  {
    id: 'exit',
    name: 'exits with 0 when the last request has ended',
    needs: ['command'],
    async check(target) {
      const { exitCode } = await drainOf(target);
      assert.equal(
        exitCode,
        0,
        exitCode === undefined ? 'it did not end in time' : `it exited with ${exitCode}`,
      );
    },
  },
  {
    id: 'second-signal',
    name: 'exits immediately at a second signal',
    needs: ['command'],
    async check(target) {
      const stopping = await target.start();
      const { process, command } = stopping;
      process.kill('SIGTERM');
      // Two signals that arrive together are delivered as one.
      await wait(command.drainDelay / 4);
      const toldAt = performance.now();
      process.kill('SIGTERM');
      const { code, signal } = await process.exited;
      const took = Math.round(performance.now() - toldAt);
      assert.ok(took < command.drainDelay / 2, `it took ${took} ms`);
      assert.ok(code !== 0 || signal, 'it exited with 0, as if it had finished');
    },
  },
  {
    id: 'wrong-settings',
    name: 'names every wrong setting at once, and exits with an error',
    needs: ['command', 'wrong'],
    async check(target) {
      const { wrong = {} } = target.command;
      const { code, output } = await target.startAndEnd(wrong);
      assert.notEqual(code, 0, 'it exited with 0');
      const missing = Object.keys(wrong).filter((name) => !output.includes(name));
      assert.deepEqual(missing, [], `its output does not name them:\n${output}`);
    },
  },
];
