import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { readJson } from '../support/kubectl.ts';

const run = promisify(execFile);

/**
 * Signals the process of a pod's container from outside, as the kernel's memory killer does. From inside the pod it
 * cannot be done: there the process is number 1, which takes neither SIGKILL nor SIGSTOP.
 *
 * Works where the node's container runtime is the Docker Engine of this machine.
 */
export async function signalPod(pod: string, signal: 'KILL' | 'STOP'): Promise<void> {
  const { status } = await readJson<{ status: { containerStatuses: { containerID: string }[] } }>(
    'get',
    'pod',
    pod,
  );
  const [runtime, id] = status.containerStatuses[0]?.containerID.split('://') ?? [];
  if (runtime !== 'docker' || !id)
    throw new Error(`${pod} runs on ${runtime}, whose containers cannot be signalled`);
  await run('docker', ['kill', `--signal=${signal}`, id]);
}
