import { createWriteStream, existsSync, renameSync } from 'node:fs';
import type { OnLine } from './service-process.ts';
import type { ServiceName } from './system.ts';

const shownLevels = ['warn', 'error', 'fatal'];

/**
 * Returns the function that handles each output line of a service. It writes all lines to `<data>/logs/<name>.log` (the
 * file of the previous run is renamed to `.old`). To the terminal it writes stderr, and warnings and errors in a short
 * form; with `raw`, every line unchanged.
 */
export function outputOf(name: ServiceName, dataDir: string, raw: boolean, process: NodeJS.Process): OnLine {
  const file = `${dataDir}/logs/${name}.log`;
  if (existsSync(file)) renameSync(file, `${file}.old`);
  const log = createWriteStream(file);
  log.on('error', ({ message }) => process.stderr.write(`${name}: cannot write the log: ${message}\n`));
  return (line, from) => {
    log.write(`${line}\n`);
    if (from === 'stderr') process.stderr.write(`${line}\n`);
    else if (raw) process.stdout.write(`${line}\n`);
    else shown(name, line, process.stderr);
  };
}

function shown(name: ServiceName, line: string, terminal: NodeJS.WriteStream): void {
  const { level, msg, err, reason = err?.message } = parsed(line);
  if (msg === 'request') return;
  if (shownLevels.includes(level)) terminal.write(`${name} ${level}: ${msg}${reason ? `: ${reason}` : ''}\n`);
}

type LogLine = { level: string; msg?: string; err?: { message: string }; reason?: string };

function parsed(line: string): LogLine {
  try {
    return JSON.parse(line);
  } catch {
    return { level: 'warn', msg: line };
  }
}
