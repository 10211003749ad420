/**
 * Returns the minimum time, in milliseconds, that a client must leave for a response. If it leaves less, by a short
 * deadline or a slow body, the client is responsible for a late response.
 *
 * @param timeoutMs the time limit of the operation
 */
export function fairTime(timeoutMs: number): number {
  return timeoutMs / 10;
}
