import type { SourceFile } from '../core/span-record.ts';

/** A file of our own code in a line of a stack. A bundled service has source maps, so its lines name the same files. */
const ownFile = /\b((?:apps|libs)\/[\w-]+\/src\/[\w./-]+\.ts)/;

type AnyFunction = (...args: never[]) => unknown;

/**
 * Captures the stack, and returns the function that names the first file of our own code in it. Only the first call of that
 * function formats the stack, which costs far more than to capture it.
 *
 * @param above the function whose caller is the first one to be considered; by default this one
 * @example
 * const file = sourceFile(createClient); // in createClient
 * file(); // 'apps/gateway/src/routes/account-deletion.ts'
 */
export function sourceFile(above: AnyFunction = sourceFile): SourceFile {
  const captured: { stack?: string } = {};
  Error.captureStackTrace(captured, above);
  let found: string | undefined;
  return () => {
    found ??= ownFile.exec(captured.stack ?? '')?.[1];
    captured.stack = '';
    return found;
  };
}
