/** The types of those modules of undici that are imported one by one; its own types describe its entry point. */
declare module 'undici/lib/dispatcher/agent.js' {
  import type { Agent } from 'undici';

  /** An agent without the functions that undici's entry point adds. */
  const Bare: new (
    options?: Agent.Options,
  ) => Omit<Agent, 'request' | 'stream' | 'pipeline' | 'connect' | 'upgrade'>;
  export default Bare;
}

declare module 'undici/lib/api/api-request.js' {
  import type { Dispatcher } from 'undici';

  const request: (
    this: Pick<Dispatcher, 'dispatch'>,
    options: Dispatcher.RequestOptions,
  ) => Promise<Dispatcher.ResponseData>;
  export default request;
}
