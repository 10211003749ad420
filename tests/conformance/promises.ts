import type { ServicePromise } from './promise.ts';
import { idempotency } from './promises/idempotency.ts';
import { overload } from './promises/overload.ts';
import { probes } from './promises/probes.ts';
import { problems } from './promises/problems.ts';
import { requests } from './promises/requests.ts';
import { stop } from './promises/stop.ts';
import { telemetry } from './promises/telemetry.ts';

/** All promises, by subject. */
export const subjects = { probes, stop, problems, requests, telemetry, idempotency, overload };

/** All promises. Those about overload come last, because they load the machine. */
export const promises: ServicePromise[] = Object.values(subjects).flat();
