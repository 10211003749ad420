import process from 'node:process';
import { run } from '@slipway/platform/service/run';
import { defineService } from '@slipway/platform/service/service';
import { platformSettings } from '@slipway/platform/service/settings';
import { createNote } from './contract.ts';

const service = defineService({
  name: 'notes',
  version: '1.0.0',
  settings: platformSettings,
  register(app) {
    const notes: string[] = [];
    app.route({
      ...createNote,
      handler: async ({ body: { text } }, reply) => {
        notes.push(text);
        return reply.code(201).send({ id: notes.length, text });
      },
    });
  },
});

await run(service, process);
