import type { Experiment, ExperimentRequest, Fault } from '@slipway/contract-kit/experiment';
import { problem } from '@slipway/contract-kit/problem';
import { checkExperiment } from './check.ts';
import type { Faults } from './faults.ts';

/** Maximum duration of a wait, also by a fault without an end, so that what waits does not fill the memory; milliseconds. */
const maxWait = 300_000;

type Options = {
  hasStore: boolean;
  /** Learns that an experiment has started or ended. */
  changed?: (change: 'started' | 'ended', experiment: Experiment) => void;
};

/**
 * The experiment that runs in this process. There is at most one. It ends by itself, and the next one replaces it. A fault
 * of the settings applies whenever no other experiment runs.
 *
 * @example
 * const experiments = new Experiments({ hasStore: true });
 * experiments.start({ fault: { on: 'store', kind: 'hang' }, seconds: 30 });
 * experiments.store; // { on: 'store', kind: 'hang' }, for 30 seconds
 */
export class Experiments implements Faults {
  // Plain properties: without an experiment, a request and a store command must cost one comparison more.
  service: Fault | undefined;
  store: Fault | undefined;
  /** Whether the guards against overload are switched off. */
  areGuardsOff = false;
  #current: Experiment | undefined;
  /** The fault of the settings. */
  #lasting: Experiment | undefined;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #waiting = new Set<() => void>();
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  /** The experiment that runs now. */
  get current(): Experiment | undefined {
    return this.#current;
  }

  /**
   * Starts an experiment instead of the one that runs.
   *
   * @throws {Problem} that names the wrong field, or if the process is closing
   */
  start(request: ExperimentRequest): Experiment {
    const { fault, guards, seconds } = request;
    const wrong = checkExperiment(request, this.#options.hasStore);
    if (wrong) throw wrong;
    if (this.#isClosed) throw problem('conflict', 'The process is closing');
    clearTimeout(this.#timer);
    const endsAt = new Date(Date.now() + seconds * 1_000).toISOString();
    const experiment = { ...(fault && { fault }), ...(guards && { guards }), endsAt };
    this.#timer = setTimeout(() => this.end(), seconds * 1_000).unref();
    this.#apply(experiment);
    this.#options.changed?.('started', experiment);
    return experiment;
  }

  /** Ends the experiment that runs. The fault of the settings applies again. */
  end(): void {
    clearTimeout(this.#timer);
    const ended = this.#current;
    if (!ended || ended === this.#lasting) return;
    this.#apply(this.#lasting);
    this.#options.changed?.('ended', ended);
  }

  /** Applies the fault of the settings until the process closes. */
  applySetting(fault: Fault): void {
    this.#lasting = { fault };
    if (!this.#current) this.#apply(this.#lasting);
  }

  /** Ends every experiment for good, also the fault of the settings, so that none holds the end of the process. */
  close(): void {
    this.#isClosed = true;
    this.#lasting = undefined;
    this.end();
    this.#apply(undefined);
  }

  wait(ms = maxWait, onWait: (end: () => void) => void = () => undefined): Promise<boolean> {
    return new Promise((resolve) => {
      const finish = (hasEnded: boolean) => {
        clearTimeout(timer);
        this.#waiting.delete(faultEnded);
        resolve(hasEnded);
      };
      const faultEnded = () => finish(true);
      const timer = setTimeout(finish, Math.min(ms, maxWait), false).unref();
      this.#waiting.add(faultEnded);
      onWait(() => finish(false));
    });
  }

  #apply(experiment: Experiment | undefined): void {
    const { fault, guards } = experiment ?? {};
    this.#current = experiment;
    this.service = fault?.on === 'service' ? fault : undefined;
    this.store = fault?.on === 'store' ? fault : undefined;
    this.areGuardsOff = guards === 'off';
    for (const end of this.#waiting) end();
  }
}
