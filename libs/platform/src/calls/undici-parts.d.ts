/** The types of those modules of undici that are imported one by one; its own types describe the index alone. */
declare module 'undici/lib/dispatcher/agent.js' {
  export { Agent as default } from 'undici';
}

declare module 'undici/lib/api/api-request.js' {
  import type { Agent } from 'undici';

  const request: Agent['request'];
  export default request;
}
