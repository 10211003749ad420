import { expect, it } from 'vitest';
import { RequestsInFlight, type Served } from './requests-in-flight.ts';

const served = () => ({ endsAt: 0 }) as Served;

it('holds the requests that were added and not removed, in whatever order they end', () => {
  const inFlight = new RequestsInFlight();
  const [first, second, third, fourth] = [served(), served(), served(), served()] as const;
  for (const each of [first, second, third]) inFlight.add(each);
  inFlight.delete(first);
  inFlight.add(fourth);
  inFlight.delete(third);
  expect(new Set(inFlight)).toEqual(new Set([second, fourth]));
  expect(inFlight.size).toBe(2);
  for (const each of [second, fourth]) inFlight.delete(each);
  expect([...inFlight]).toEqual([]);
});

it('tells whether a request was still in flight, so that its end is counted once', () => {
  const inFlight = new RequestsInFlight();
  const [first, second] = [served(), served()];
  inFlight.add(first);
  inFlight.add(second);
  expect(inFlight.delete(first)).toBe(true);
  expect(inFlight.delete(first)).toBe(false);
  expect(inFlight.delete(served())).toBe(false);
  expect([...inFlight]).toEqual([second]);
});
