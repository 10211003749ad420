import { problem } from '@slipway/contract-kit/problem';

/** Maximum levels of arrays and objects in a JSON text. No contract has more than six. */
const maxDepth = 32;

const codes = { quote: 0x22, backslash: 0x5c, openings: [0x5b, 0x7b], closings: [0x5d, 0x7d] };

/**
 * Rejects JSON that is nested deeply, before it is parsed: a recursive function such as `JSON.stringify`
 * would exhaust the stack.
 *
 * @throws {Problem} invalid_request
 */
export function checkDepth(json: string): void {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === codes.quote) inString = !inString;
    else if (inString) {
      if (code === codes.backslash) at += 1;
    } else if (codes.openings.includes(code)) {
      depth += 1;
      if (depth > maxDepth) throw tooDeep();
    } else if (codes.closings.includes(code)) depth -= 1;
  }
}

function tooDeep() {
  const message = `must not be nested more than ${maxDepth} levels deep`;
  return problem('invalid_request', `body ${message}`, { fields: [{ field: 'body', message }] });
}
