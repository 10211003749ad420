/** Parses the part of PromQL that the rules in k8s/observability use. */

export type Matcher = { label: string; operator: string; value: string };

export type Expression =
  | { type: 'number'; value: number }
  | { type: 'selector'; matchers: Matcher[]; range?: number }
  | { type: 'function'; name: string; args: Expression[] }
  | { type: 'aggregation'; name: string; by: string[]; of: Expression }
  | { type: 'binary'; operator: string; left: Expression; right: Expression };

/** Binary operators, those that bind least first. */
const levels = [['or'], ['and', 'unless'], ['==', '!=', '>', '<', '>=', '<='], ['+', '-'], ['*', '/']];
const aggregations = ['sum', 'max', 'min'];
const token = /\s*("[^"]*"|\[\w+\]|[a-zA-Z_:][\w:]*|\d+(?:\.\d+)?|[=!]~|[=!<>]=|[-+*/(){},=<>])\s*/gy;

const unitSeconds: Record<string, number> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** Returns the seconds of a duration, such as `5m` or `2m30s`. */
export function secondsOf(duration: string): number {
  const parts = [...duration.matchAll(/(\d+)([smhd])/g)];
  return parts.reduce((sum, [, count, unit = '']) => sum + Number(count) * (unitSeconds[unit] ?? 0), 0);
}

function tokensOf(text: string): string[] {
  const found = [...text.matchAll(token)];
  const read = found.reduce((sum, [all]) => sum + all.length, 0);
  if (read !== text.length) throw new Error(`Not understood: ${text.slice(read)}`);
  return found.map(([, word = '']) => word);
}

/** @throws {Error} if the text is not of the part of PromQL that is known here */
export function parse(text: string): Expression {
  const tokens = tokensOf(text);
  const take = (expected?: string) => {
    const next = tokens.shift() ?? '';
    if (expected !== undefined && next !== expected) throw new Error(`${next} instead of ${expected}`);
    return next;
  };

  function list<T>(close: string, item: () => T): T[] {
    const items: T[] = [];
    while (tokens[0] !== close) {
      items.push(item());
      if (tokens[0] === ',') take();
    }
    take(close);
    return items;
  }

  function binary(level = 0): Expression {
    if (level === levels.length) return operand();
    let left = binary(level + 1);
    while (levels[level]?.includes(tokens[0] ?? ''))
      left = { type: 'binary', operator: take(), left, right: binary(level + 1) };
    return left;
  }

  function operand(): Expression {
    const word = take();
    if (/^\d/.test(word)) return { type: 'number', value: Number(word) };
    if (word === '(') {
      const inner = binary();
      take(')');
      return inner;
    }
    if (aggregations.includes(word)) return aggregation(word);
    if (tokens[0] !== '(') return selector(word);
    take();
    return { type: 'function', name: word, args: list(')', binary) };
  }

  function aggregation(name: string): Expression {
    take('by');
    take('(');
    const by = list(')', take);
    take('(');
    const of = binary();
    take(')');
    return { type: 'aggregation', name, by, of };
  }

  function selector(metric: string): Expression {
    const matchers: Matcher[] = [{ label: '__name__', operator: '=', value: metric }];
    if (tokens[0] === '{') {
      take();
      matchers.push(
        ...list('}', () => ({ label: take(), operator: take(), value: take().replaceAll('"', '') })),
      );
    }
    if (!tokens[0]?.startsWith('[')) return { type: 'selector', matchers };
    return { type: 'selector', matchers, range: secondsOf(take()) };
  }

  const whole = binary();
  if (tokens.length > 0) throw new Error(`Not understood: ${tokens.join(' ')}`);
  return whole;
}
