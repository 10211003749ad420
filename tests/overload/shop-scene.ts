import { startProcess } from '../../scripts/service-process.ts';
import { freePort } from '../support/ports.ts';
import { type Protection, protectionEnv, type Scene } from './scene.ts';

/** Opens a service of its own, which computes (`/cpu`) or waits for a store (`/store`). */
export async function openShop(path: '/cpu' | '/store', protection: Protection): Promise<Scene> {
  const [port, management] = [await freePort(), await freePort()];
  const settings = {
    PORT: String(port),
    MANAGEMENT_PORT: String(management),
    LOG_LEVEL: 'silent',
    ...protectionEnv(protection),
  };
  const main = new URL('./fixtures/shop.ts', import.meta.url);
  const shop = startProcess('shop', main, { ...process.env, ...settings }, () => undefined);
  await shop.ready;
  const setStoreTime = async (storeTime: number) => void shop.child.send({ storeTime });
  return {
    port,
    request: `GET ${path} HTTP/1.1\r\nhost: shop\r\n\r\n`,
    slow: () => setStoreTime(2_000),
    heal: () => setStoreTime(20),
    async close() {
      shop.kill('SIGKILL');
      await shop.exited;
    },
  };
}
