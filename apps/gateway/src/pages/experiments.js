// What experiments do, in words, and the note about those that run.

import { announce } from './dom.js';
import { watchSystem } from './live.js';

/** Returns the experiments that run, each with its service and the processes that have it. */
export function runningIn(services) {
  return services.flatMap(({ name, replicas }) => {
    const affected = replicas.filter(({ state, experiment }) => experiment && state !== 'gone');
    const alike = Map.groupBy(affected, ({ experiment }) => JSON.stringify(experiment));
    return [...alike.values()].map((each) => ({
      ...{ service: name, processes: each.map(({ instance }) => instance) },
      experiment: each[0].experiment,
    }));
  });
}

/** Describes an experiment in one sentence. */
export function describe({ fault, guards }) {
  const texts = [fault && describeFault(fault), guards && 'The guards against overload are off.'];
  return texts.filter(Boolean).join(' ');
}

function describeFault({ on, kind, ms, share = 1 }) {
  const each = on === 'store' ? 'store command' : 'request';
  const isOne = share === 1;
  const subject = isOne ? `Each ${each}` : `${Math.round(share * 100)} % of the ${each}s`;
  if (kind === 'latency') return `${subject} ${isOne ? 'takes' : 'take'} ${ms} ms longer.`;
  return `${subject} ${verbs[kind][isOne ? 0 : 1]}.`;
}

const verbs = { error: ['fails', 'fail'], hang: ['hangs', 'hang'] };

/** Returns the seconds until an experiment ends; undefined if it lasts as long as its process. */
export function secondsLeft({ endsAt }, at) {
  return endsAt && Math.max(0, Math.ceil((Date.parse(endsAt) - at) / 1_000));
}

/** Shows in an element on every view what runs now. It has no seconds: a screen reader announces each change. */
export function showExperiments(note) {
  watchSystem(({ readings }) => {
    const running = runningIn(readings.at(-1)?.services ?? []);
    const texts = [
      ...new Set(running.map(({ service, experiment }) => `${service}: ${describe(experiment)}`)),
    ];
    announce(note, texts.length > 0 ? `An experiment runs. ${texts.join(' ')}` : '');
  });
}
