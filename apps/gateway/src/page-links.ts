import { StartError } from '@slipway/platform/core/start-error';

/** A link to another system, such as Zipkin. */
export type Link = { name: string; url: string };

/**
 * Parses the links of the start page.
 *
 * @throws {StartError} if a link is not of the form `name=http://address` or `name=https://address`
 * @example
 * readLinks('Traces=http://localhost:9411/, Metrics=http://localhost:9090/').length; // 2
 */
export function readLinks(text: string): Link[] {
  const parts = text.split(',').map((each) => each.trim());
  return parts.filter((each) => each !== '').map(readLink);
}

function readLink(text: string): Link {
  const [, name = '', address = ''] = /^([^=]+)=(https?:.+)$/.exec(text) ?? [];
  const url = URL.parse(address);
  if (!url) throw new StartError(`PAGE_LINKS must list links as name=http://address; this is none: ${text}`);
  return { name: name.trim(), url: url.href };
}
