import { createWriteStream, existsSync, renameSync } from 'node:fs';
import type { OnLine } from './service-process.ts';
import type { ServiceName } from './topology.ts';

const shownLevels = ['warn', 'error', 'fatal'];

/**
 * Where a service's lines go: all to `<data folder>/logs/<name>.log` (the run before is kept as `.old`), warnings
 * and worse in short to the terminal. With `raw` every line goes to the terminal as it is.
 */
export function outputOf(name: ServiceName, dataDir: string, raw: boolean, process: NodeJS.Process): OnLine {
  const file = `${dataDir}/logs/${name}.log`;
  if (existsSync(file)) renameSync(file, `${file}.old`);
  const log = createWriteStream(file);
  log.on('error', ({ message }) => process.stderr.write(`${name}: no log is written: ${message}\n`));
  return (line, from) => {
    log.write(`${line}\n`);
    if (from === 'stderr') process.stderr.write(`${line}\n`);
    else if (raw) process.stdout.write(`${line}\n`);
    else shown(name, line, process.stderr);
  };
}

function shown(name: ServiceName, line: string, terminal: NodeJS.WriteStream): void {
  const { level, msg, err } = parsed(line);
  if (msg === 'request') return;
  if (shownLevels.includes(level))
    terminal.write(`${name} ${level}: ${msg}${err ? `: ${err.message}` : ''}\n`);
}

type LogLine = { level: string; msg?: string; err?: { message: string } };

function parsed(line: string): LogLine {
  try {
    return JSON.parse(line);
  } catch {
    return { level: 'warn', msg: line };
  }
}
