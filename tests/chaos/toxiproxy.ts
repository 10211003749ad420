/**
 * Network faults on purpose: services reach their databases through toxiproxy, and a test makes the way bad.
 *
 * @example
 * const toxiproxy = await startToxiproxy();
 * const way = await toxiproxy.proxy('127.0.0.1:27017');        // services connect to way.address
 * await way.add({ type: 'latency', attributes: { latency: 2_000 } });
 * await toxiproxy.heal();                                      // every way is good again
 * await toxiproxy.stop();
 *
 * @see https://github.com/Shopify/toxiproxy#toxics for all toxics and their attributes
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { eventually } from '../support/people.ts';
import { freePort } from '../support/ports.ts';

/**
 * Milliseconds, bytes, and kilobytes a second. `upstream` harms what is sent to the server; otherwise its answers are
 * harmed, so that nobody knows what has taken effect.
 */
export type Toxic = { stream?: 'upstream' } & (
  | { type: 'latency'; attributes: { latency: number; jitter?: number } }
  /** Nothing passes; with a timeout of 0 the connection stays open. */
  | { type: 'timeout'; attributes: { timeout: number } }
  | { type: 'reset_peer'; attributes: { timeout: number } }
  /** Closes the connection after so many bytes, most likely in the middle of an answer. */
  | { type: 'limit_data'; attributes: { bytes: number } }
  | { type: 'bandwidth'; attributes: { rate: number } }
);

export type Way = {
  /** `host:port` to connect to instead of the server's own. */
  address: string;
  add(toxic: Toxic): Promise<void>;
  /** Refuses connections and drops those that are open, as a server does that was killed. */
  cut(): Promise<void>;
};

type Toxiproxy = {
  proxy(upstream: string): Promise<Way>;
  /** Removes all toxics and opens what was cut. */
  heal(): Promise<void>;
  stop(): Promise<void>;
};

const program = process.env.TOXIPROXY_SERVER || 'toxiproxy-server';

/** Why there can be no network faults here, if so. */
export const withoutToxiproxy: string | undefined = spawnSync(program, ['-version']).error
  ? 'toxiproxy-server is neither on the PATH nor named by TOXIPROXY_SERVER'
  : undefined;

/** Starts a toxiproxy of the test's own and resolves when it takes commands. */
export async function startToxiproxy(): Promise<Toxiproxy> {
  const port = await freePort();
  const child = spawn(program, ['-host', '127.0.0.1', '-port', String(port)], { stdio: 'ignore' });
  const exited = once(child, 'exit');
  process.once('exit', () => child.kill());
  const command = async (method: string, path: string, body?: object): Promise<unknown> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`toxiproxy ${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.status === 204 ? undefined : answer.json();
  };
  await eventually('toxiproxy answers', () => command('GET', '/proxies').catch(() => false));
  return {
    async proxy(upstream) {
      const name = upstream.replace(':', '-');
      const made = await command('POST', '/proxies', {
        name,
        listen: '127.0.0.1:0',
        upstream,
        enabled: true,
      });
      return {
        address: (made as { listen: string }).listen,
        add: async (toxic) => void (await command('POST', `/proxies/${name}/toxics`, toxic)),
        cut: async () => void (await command('POST', `/proxies/${name}`, { enabled: false })),
      };
    },
    heal: async () => void (await command('POST', '/reset')),
    async stop() {
      child.kill();
      await exited;
    },
  };
}
