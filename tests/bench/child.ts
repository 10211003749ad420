import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** A process of a bench that answers each message with one message. */
export type Child = {
  pid: number;
  ask<Answer>(message: object): Promise<Answer>;
  stop(): void;
};

/**
 * Starts a process. What it prints is read and thrown away, as a container's runtime
 * would read it: printing has its real cost.
 */
export function startChild(file: URL, args: string[] = [], env: Record<string, string> = {}): Child {
  const child = fork(file, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  child.stdout?.resume();
  return {
    pid: child.pid ?? 0,
    async ask<Answer>(message: object) {
      const answer = answerOf(child);
      child.send(message);
      return (await answer) as Answer;
    },
    stop: () => child.kill(),
  };
}

async function answerOf(child: ChildProcess): Promise<unknown> {
  const done = new AbortController();
  const ended = once(child, 'exit', { signal: done.signal }).then(([code]) => {
    throw new Error(`A process of the bench ended with ${code}`);
  });
  try {
    const [answer] = await Promise.race([once(child, 'message', { signal: done.signal }), ended]);
    return answer;
  } finally {
    ended.catch(() => undefined);
    done.abort();
  }
}
