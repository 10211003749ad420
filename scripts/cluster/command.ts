import { execFileSync } from 'node:child_process';

type Options = {
  /** The program's standard input. Use it for secrets, because all users of the machine can see arguments. */
  input?: string;
  /** Shows the program's output instead of returning it. */
  show?: boolean;
};

/**
 * Runs a program and returns its standard output.
 *
 * @throws {Error} with the program's own message, if it is not on the PATH or fails.
 * @example
 * command('kubectl', ['get', 'nodes']);
 */
export function command(program: string, args: string[], { input = '', show = false }: Options = {}): string {
  try {
    const stdio = ['pipe', show ? 'inherit' : 'pipe', show ? 'inherit' : 'pipe'] as const;
    return execFileSync(program, args, { input, encoding: 'utf8', stdio: [...stdio] }) ?? '';
  } catch (error) {
    const { code, stderr } = error as { code?: string; stderr?: string };
    if (code === 'ENOENT') throw new Error(`${program} is not on the PATH.`);
    throw new Error(`${program} ${args.join(' ')} failed. ${stderr ?? ''}`.trim());
  }
}

/** Returns whether a program is on the PATH and succeeds. */
export function answers(program: string, args: string[]): boolean {
  try {
    command(program, args);
    return true;
  } catch {
    return false;
  }
}
