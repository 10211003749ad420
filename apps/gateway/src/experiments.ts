import type { Experiment, ExperimentRequest } from '@slipway/contract-kit/experiment';
import { problem } from '@slipway/contracts/errors';
import type { ExperimentResult } from '@slipway/contracts/gateway';
import type { Experiments } from '@slipway/platform/experiments/experiments';
import type { Replicas } from './replicas.ts';

/** Maximum response time of a replica; milliseconds. */
const timeoutMs = 2_000;

type Parts = {
  /** The setting EXPERIMENTS_TOKEN, which all services share; without it, experiments are not allowed. */
  token: string | undefined;
  /** The gateway itself. */
  own: { name: string; experiments: Experiments };
  replicas: Pick<Replicas, 'name' | 'find'>[];
};

export type Experimenter = ReturnType<typeof createExperimenter>;

/** Makes the functions that start and end experiments in all replicas of a service. */
export function createExperimenter({ token, own, replicas }: Parts) {
  /** @param request absent to end the experiment */
  async function operate(service: string, request?: ExperimentRequest): Promise<ExperimentResult> {
    if (!token) throw problem('conflict', 'Experiments are allowed only where EXPERIMENTS_TOKEN is set');
    if (service === own.name) return operateOwn(request);
    const others = replicas.find(({ name }) => name === service);
    if (!others) throw problem('not_found', `There is no service ${service}`);
    const origins = await others.find();
    return combine(
      service,
      await Promise.all(origins.map((origin) => send(`${origin}/experiment`, token, request))),
    );
  }

  function operateOwn(request?: ExperimentRequest): ExperimentResult {
    if (request) own.experiments.start(request);
    else own.experiments.end();
    return { experiment: own.experiments.current, replicas: 1, failures: [] };
  }

  return {
    start: (service: string, request: ExperimentRequest) => operate(service, request),
    end: (service: string) => operate(service),
  };
}

type Answer = { status: number; experiment?: Experiment; error?: string };

async function send(url: string, token: string, request?: ExperimentRequest): Promise<Answer> {
  const headers = {
    authorization: `Bearer ${token}`,
    ...(request && { 'content-type': 'application/json' }),
  };
  const body = request && JSON.stringify(request);
  const method = request ? 'PUT' : 'DELETE';
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    // A redirect would take the credential to another host.
    const response = await fetch(url, { method, headers, body, signal, redirect: 'error' });
    const { experiment, error } = (await response.json()) as Partial<Answer>;
    return { status: response.status, experiment, error };
  } catch {
    return { status: 0, error: 'The replica does not respond' };
  }
}

/** @throws {Problem} if no replica did what was asked */
function combine(service: string, answers: Answer[]): ExperimentResult {
  const done = answers.filter(({ status }) => status === 200);
  const failed = answers.filter(({ status }) => status !== 200);
  const failures = failed.map(({ status, error = `Status ${status}` }) => error);
  if (done.length > 0) return { experiment: done[0]?.experiment, replicas: done.length, failures };
  const isWrong = failed.length > 0 && failed.every(({ status }) => status === 400);
  const detail = [...new Set(failures)].join('; ') || `No replica of ${service} was found`;
  throw problem(isWrong ? 'invalid_request' : 'upstream_failed', detail);
}
