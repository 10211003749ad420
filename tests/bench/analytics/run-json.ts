import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Runs a program in a process of its own, whose memory is its own, and returns the JSON that it prints. */
export async function runJson<T>(program: URL, args: string[]): Promise<T> {
  const { stdout } = await promisify(execFile)(process.execPath, [program.pathname, ...args]);
  return JSON.parse(stdout) as T;
}
