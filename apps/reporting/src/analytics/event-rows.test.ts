import { eventSchemas } from '@slipway/contracts/events';
import { describe, expect, it } from 'vitest';
import { signedUp } from '../testing/events.ts';
import { columns, rowOf } from './event-rows.ts';

describe('the row of an event', () => {
  it('reads the second before a leap second', () => {
    expect(rowOf(signedUp({ at: '2016-12-31T23:59:60Z' }))).toMatchObject({
      happened_at: '2016-12-31T23:59:59.000',
      month: '2016-12',
    });
  });

  it('has a column for every field of the contracts of events', () => {
    const { 'job.succeeded': _, ...exported } = eventSchemas;
    const fields = Object.values(exported).flatMap(({ properties }) => Object.keys(properties));
    const snakeCase = (field: string) => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    expect(Object.keys(columns)).toEqual(expect.arrayContaining(fields.map(snakeCase)));
  });
});
