/**
 * Gives each service its own account in MongoDB, before the service starts. Compose and the cluster run it in the image
 * of a service, with files that hold the URLs: `node make-accounts.ts <file of root URL> <file of store URL>…`
 */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { ensureAccount } from './accounts.ts';

const [, , rootFile = '', ...storeFiles] = process.argv;
const read = (file: string) => readFileSync(file, 'utf8').trim();

for (const file of storeFiles) {
  const storeUrl = read(file);
  const done = await ensureAccount(read(rootFile), storeUrl);
  process.stdout.write(`account ${new URL(storeUrl).username}: ${done}\n`);
}
