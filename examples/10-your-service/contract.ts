import type { Operation } from '@slipway/contract-kit/operation';
import { Type } from '@slipway/contract-kit/type';

const Note = Type.Object({ id: Type.Integer(), text: Type.String() });
const NewNote = Type.Object(
  { text: Type.String({ minLength: 1, maxLength: 200 }) },
  { additionalProperties: false },
);

export const createNote = {
  method: 'POST',
  url: '/notes',
  schema: {
    operationId: 'createNote',
    summary: 'Stores a note',
    body: NewNote,
    response: { 201: Note },
  },
  config: { access: 'public' },
} as const satisfies Operation;
