/** What of the protection against overload is switched on. */
export type Protection = {
  /** The services' own, by OVERLOAD_GUARDS. */
  guards: boolean;
  /** Budgets for retries: the clients' own, and the services' by RETRY_BUDGET. */
  budget: boolean;
};

/** A running system that a trouble comes over. */
export type Scene = {
  port: number;
  /** What its clients send, as it goes over the wire. */
  request: string;
  /** Makes its store slow. */
  slow(): Promise<void>;
  heal(): Promise<void>;
  close(): Promise<void>;
};
