/** Vitest's polling gives up after a second, which a busy machine can take for anything. Tests may ask for less or more. */
import { vi } from 'vitest';

const patience = 10_000;
const { waitFor, waitUntil } = vi;

type Options = Parameters<typeof waitFor>[1];
const patiently = (options: Options) =>
  typeof options === 'number' ? options : { timeout: patience, ...options };

vi.waitFor = (callback, options) => waitFor(callback, patiently(options));
vi.waitUntil = (callback, options) => waitUntil(callback, patiently(options));
