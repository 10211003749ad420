import type { TSchema } from 'typebox';
import { ProblemDocument } from './problem.ts';
import { Type } from './type.ts';

/** Adds the problem document, which every failure returns, to the successful responses of an operation. */
export const responses = <R extends Record<number, TSchema>>(success: R) =>
  ({ ...success, '4xx': ProblemDocument, '5xx': ProblemDocument }) as R;

export const NoContent = Type.Null({ description: 'No content' });
