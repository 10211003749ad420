/** Each lesson's naive program loses requests, and the platform's loses none. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);

async function measured(lesson: string): Promise<string> {
  const program = join(import.meta.dirname, lesson, 'measure.ts');
  const { stdout } = await run(process.execPath, [program], { timeout: 100_000 });
  return stdout;
}

const failures = /[1-9]\d* of \d+ requests failed/;
const none = /\b0 of \d+ requests failed/;

describe('a lesson', { timeout: 110_000 }, () => {
  it('1: loses requests while its only replica restarts', async () => {
    expect(await measured('01-hello-world')).toMatch(failures);
  });

  it('2: sends requests to replicas that have not started', async () => {
    expect(await measured('02-two-replicas')).toMatch(/requests failed \(.*\b503/);
  });

  it('3: sends requests only to replicas that are ready, and still loses some at the stop', async () => {
    const output = await measured('03-probe');
    expect(output).toMatch(failures);
    expect(output).not.toContain(' 503');
  });

  it('4: loses requests at SIGTERM, with and without a handler', async () => {
    const [exit, close] = (await measured('04-sigterm')).split('\n');
    expect(exit).toMatch(/^exit: [1-9].* ended with SIGTERM and SIGTERM$/);
    expect(close).toMatch(/^close: [1-9].* ended with SIGKILL and SIGKILL$/);
  });

  it('5: drains, and loses none', async () => {
    const output = await measured('05-drain');
    expect(output).toMatch(none);
    expect(output).toContain('ended with 0 and 0');
  });

  it('6: fires an alert for failures that nobody sees by hand', async () => {
    const output = await measured('06-measure');
    expect(output).toMatch(/^version 1: .* the alert is inactive$/m);
    expect(output).toMatch(/^version 2: a look by hand: 0 of/m);
    expect(output).toMatch(/^version 2: failed in 3 s: [4-6]\.\d %.* the alert is firing$/m);
  });

  it('7: joins the work of three services by a trace, and not by logs', async () => {
    const output = await measured('07-trace');
    expect(output).toContain('logs: 60 lines, 0 of them');
    expect(output).toContain('traces: 20, each over 3 services');
    expect(output).toMatch(/^shop: .*\n {2}shop: .*\n {4}prices: .*\n {6}prices: .*\n {8}stock: /m);
  });

  it('8: answers in time under overload, which the naive program does not', async () => {
    const output = await measured('08-overload');
    expect(output).toMatch(/^naive\.ts: 160 .* then \d$/m);
    expect(output).toMatch(/^main\.ts: 160 .* then [2-4]\d$/m);
  });

  it('9: finds replicas by name while they come and go', async () => {
    const output = await measured('09-discovery');
    expect(output).toMatch(/^a fixed address, replica replaced: [1-9]/m);
    expect(output).toMatch(/^30 requests\/s: [2-4] replicas; 0 of/m);
    expect(output.match(/replicas?; 0 of \d+ requests failed/g)).toHaveLength(3);
  });

  it('10: rejects wrong requests, one of which ends the naive program', async () => {
    const output = await measured('10-your-service');
    expect(output).toMatch(/^naive\.ts: .* a note: no response$/m);
    expect(output).toMatch(/^main\.ts: a note: 201; wrong ones: (400, ){5}400; a note: 201$/m);
  });
});
