import type { Static } from 'typebox';
import { Type } from './type.ts';

/** Maximum added latency; milliseconds. */
const maxMs = 60_000;
/** Maximum duration of an experiment; seconds. */
const maxSeconds = 300;

/** A failure that a process causes on purpose, in the service itself or in its store. */
export const Fault = Type.Object(
  {
    on: Type.Enum(['service', 'store'], {
      description: 'Every request to the service, or every command to its store',
    }),
    kind: Type.Enum(['latency', 'error', 'hang'], {
      description:
        'latency: takes longer; error: fails immediately; hang: does not end before its deadline or the end of the experiment',
    }),
    ms: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: maxMs,
        description: 'Added latency in milliseconds; only for latency, which needs it',
      }),
    ),
    share: Type.Optional(
      Type.Number({
        minimum: 0.01,
        maximum: 1,
        description: 'Share of the requests or commands that have the fault; all by default',
      }),
    ),
  },
  { additionalProperties: false },
);
export type Fault = Static<typeof Fault>;

const what = {
  fault: Type.Optional(Fault),
  guards: Type.Optional(
    Type.Enum(['off'], { description: 'Switches the guards against overload off while it lasts' }),
  ),
};

/** An experiment to start in a process, and its duration. */
export const ExperimentRequest = Type.Object(
  {
    ...what,
    seconds: Type.Integer({
      minimum: 1,
      maximum: maxSeconds,
      description: 'Seconds until it ends by itself',
    }),
  },
  { additionalProperties: false },
);
export type ExperimentRequest = Static<typeof ExperimentRequest>;

/** The experiment that runs in a process. */
export const Experiment = Type.Object({
  ...what,
  endsAt: Type.Optional(
    Type.String({
      format: 'date-time',
      description: 'When it ends, by the clock of the process; absent if a setting has started it',
    }),
  ),
});
export type Experiment = Static<typeof Experiment>;
