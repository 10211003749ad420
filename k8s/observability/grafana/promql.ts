/** PromQL expressions that several dashboards use. A selector is the text between the braces. */

const requests = 'http_server_request_duration_seconds';
const calls = 'dependency_call_duration_seconds';

/** Outcomes that mean that the dependency failed. Others, such as `404` or `conflict`, are valid responses. */
const failed = 'outcome=~"5..|error|unavailable|upstream_failed|deadline_exceeded"';

/** The rate per second of a counter. */
export const rate = (metric: string, selector: string, by: string): string =>
  `sum by (${by}) (rate(${metric}{${selector}}[$__rate_interval]))`;

/** The increase of a counter in the selected time range. */
export const increase = (metric: string, selector: string, by: string): string =>
  `sum by (${by}) (increase(${metric}{${selector}}[$__range]))`;

/** The share of a part in a whole; 0 if the part has no series. */
export const share = (part: string, whole: string): string => `(${part} or 0 * ${whole}) / ${whole}`;

export const requestRate = (selector: string, by: string): string => rate(`${requests}_count`, selector, by);

/** The share of requests that failed: 5xx, including rejections for overload. */
export const errorShare = (selector: string, by: string): string =>
  share(requestRate(join(selector, 'status=~"5.."'), by), requestRate(selector, by));

/** @param quantile 0 to 1, over all replicas: the buckets are summed first */
export const latency = (quantile: number, selector: string, by: string): string =>
  `histogram_quantile(${quantile}, ${rate(`${requests}_bucket`, selector, join('le', by))})`;

export const latencyBuckets = (selector: string): string => rate(`${requests}_bucket`, selector, 'le');

/** The share of requests that did not fail, in the selected time range. */
export const availability = (selector: string): string => {
  const all = increase(`${requests}_count`, selector, 'service');
  return `1 - ${share(increase(`${requests}_count`, join(selector, 'status=~"5.."'), 'service'), all)}`;
};

/** The share of requests that were answered within 500 ms, without operations that process a whole file or month. */
export const fastShare = (selector: string): string => {
  const timed = join(
    selector,
    'status!~"5..|408|499", route!~"/api/v1/(usage/import|billing-runs|reports/rebuild|reports/questions/.+)"',
  );
  const fast = increase(`${requests}_bucket`, join(timed, 'le="0.5"'), 'service');
  return `${fast} / ${increase(`${requests}_count`, timed, 'service')}`;
};

export const callRate = (selector: string, by: string): string => rate(`${calls}_count`, selector, by);

export const callErrorShare = (selector: string, by: string): string =>
  share(callRate(join(selector, failed), by), callRate(selector, by));

export const callLatency = (quantile: number, selector: string, by: string): string =>
  `histogram_quantile(${quantile}, ${rate(`${calls}_bucket`, selector, join('le', by))})`;

export function join(...parts: string[]): string {
  return parts.filter((part) => part !== '').join(', ');
}
