import { StartError } from '@slipway/platform/core/start-error';

/** A page of another system, such as that of the traces. */
export type Link = { name: string; url: string };

/**
 * Reads the links of the start page.
 *
 * @throws {StartError} if one is not `name=http://address`
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
  if (!url) throw new StartError(`PAGE_LINKS has what is not name=http://address: ${text}`);
  return { name: name.trim(), url: url.href };
}
