import { expect, it } from 'vitest';
import { sourceFile } from './source-file.ts';

const own = 'libs/platform/src/telemetry/source-file.test.ts';

it('a source file is that of the caller, by its path in the repository, however often it is asked for', () => {
  const file = sourceFile();
  expect([file(), file()]).toEqual([own, own]);
});

it('is the first file of our own above a function, whatever calls in between', () => {
  const wrapper = () => [1].map(() => sourceFile(wrapper))[0];
  expect(wrapper()?.()).toBe(own);
});

it('is unknown if only packages are on the stack', () => {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  const file = sourceFile();
  Error.stackTraceLimit = limit;
  expect(file()).toBeUndefined();
});
