/** A server of Fastify alone, as the measure of a start. It reports to its parent when it is ready. */
import process from 'node:process';
import Fastify from 'fastify';

const app = Fastify();
app.get('/', async () => ({ status: 'up' }));
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
process.send?.('ready');
