/**
 * Returns the least time, in milliseconds, that a request must leave for its response. If its client leaves less, by a
 * short deadline of its own or by a slow body, then the client is responsible for a response that comes too late.
 *
 * @param timeoutMs the time limit of the operation
 */
export function fairTime(timeoutMs: number): number {
  return timeoutMs / 10;
}
