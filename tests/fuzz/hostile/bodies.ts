import type { Operation } from '@slipway/contract-kit/operation';

/** A body that is made to cost more than it weighs. */
export type HostileBody = { name: string; type: string; bytes: Buffer };

/** Bytes of the large bodies: those that an operation of a few kilobytes rejects, and others read. */
const large = 1_000_000;
/** Bytes of an import, of which any number may come. */
const stream = 5_000_000;

const fill = (part: string, size: number) => part.repeat(Math.ceil(size / part.length)).slice(0, size);
/** `{"a0":1,"a1":1,…}`: each key is new. */
const keys = (size: number) =>
  `{${Array.from({ length: Math.floor(size / 12) }, (_, n) => `"k${n}":${n}`).join()}}`;

/** JSON and what begins like it, of a size, for an operation that takes some first field. */
function jsonBodies(size: number, field: string): Record<string, string> {
  const inField = (value: string) => `{"${field}":${value}}`;
  return {
    'open arrays': fill('[', size),
    'open objects': fill('{"a":', size),
    'closed arrays': fill('[', size / 2) + fill(']', size / 2),
    'deep in a field': inField(fill('[', size / 2) + fill(']', size / 2)),
    'unknown fields': keys(size),
    'fields of a prototype': `{${fill('"__proto__":{},', size)}"a":1}`,
    'the same field': `{${fill(`"${field}":1,`, size)}"${field}":1}`,
    'a long text': inField(`"${fill('x', size)}"`),
    'a long text of escapes': inField(`"${fill('\\u0041', size - (size % 6))}"`),
    'spaces in a text': inField(`"a@${fill(' ', size)}x"`),
    'an address of at-signs': inField(`"${fill('@', size)}"`),
    'composed letters': inField(`"${fill('e\u0301', size / 2)}"`),
    'a long number': inField(fill('9', size)),
    'many numbers': inField(`[${fill('1,', size)}1]`),
    'many objects': inField(`[${fill('{},', size - (size % 3))}{}]`),
    'different texts': inField(JSON.stringify(Array.from({ length: size / 10 }, (_, n) => `t${n}`))),
    'spaces before': `${fill(' ', size)}{}`,
    'line ends': fill('\n', size),
    quotes: fill('"', size),
    'backslashes in a text': `"${fill('\\', size)}`,
    'nothing but NUL': fill('\0', size),
  };
}

function ndjsonBodies(size: number): Record<string, string> {
  const record = { subscriptionId: 's', metric: 'api_calls', quantity: 1, at: '2026-11-28\t01:00:00Z' };
  const lines = (line: (n: number) => string) => {
    const length = line(0).length + 1;
    return Array.from({ length: Math.floor(size / length) }, (_, n) => line(n)).join('\n');
  };
  return {
    'line ends': fill('\n', size),
    'carriage returns': fill('\r\n', size),
    'blank lines': fill(' \n', size),
    'broken lines': fill('x\n', size),
    'open objects': fill('{\n', size),
    'empty objects': fill('{}\n', size),
    'lines of open arrays': lines(() => fill('[', 16_000)),
    'lines of unknown fields': lines(() => keys(9_000)),
    'lines of many values': lines(() => `{"id":[${fill('1,', 16_000)}1]}`),
    'lines with a bad time': lines((n) => JSON.stringify({ ...record, id: `r${n}` })),
    'lines of nobody': lines((n) => JSON.stringify({ ...record, id: `r${n}`, at: '2026-11-28T01:00:00Z' })),
    'one line': fill('x', size),
    'lines just too long': lines(() => fill('x', 16_385)),
  };
}

/** The events of a delivery: many, large, or nested. */
function deliveries(size: number): Record<string, string> {
  const event = (data: string) =>
    `{"id":"e","type":"user.deleted","at":"2026-11-28T01:00:00Z","source":"t","data":${data}}`;
  const all = (count: number, each: string) => `{"events":[${Array(count).fill(each).join()}]}`;
  return {
    'one large event': all(1, event(`{"userId":"u","more":"${fill('x', size - 200)}"}`)),
    'one event of many fields': all(1, event(keys(size - 200))),
    'many empty events': all(500, '{}'),
    'many events of many fields': all(500, keys(1_900)),
    'deep events': all(1, event(fill('[', size / 4) + fill(']', size / 4))),
    'far too many events': all(Math.floor(size / 3), '{}'),
  };
}

/** Returns the hostile bodies for an operation, up to its size limit and beyond. */
export function hostileBodies({ schema, config }: Operation): HostileBody[] {
  if (schema.consumes) return bodiesOf(ndjsonBodies(stream), 'application/x-ndjson');
  const [field = 'a'] = Object.keys((schema.body as { properties?: object } | undefined)?.properties ?? {});
  const json = (size: number) => bodiesOf(jsonBodies(size, field), 'application/json', ` of ${size} bytes`);
  const fitting = Math.min(config.bodyLimit ?? large, large) - 100;
  const events = field === 'events' ? bodiesOf(deliveries(large), 'application/json') : [];
  return [...json(fitting), ...json(large + 100_000), ...events];
}

function bodiesOf(texts: Record<string, string>, type: string, size = ''): HostileBody[] {
  return Object.entries(texts).map(([name, text]) => ({ name: name + size, type, bytes: Buffer.from(text) }));
}

/** Header fields as long as Node takes them, each by the name of its header. */
export const hostileHeaders: Record<string, string> = {
  accept: fill('a/b;q=0.1,', 12_000),
  authorization: `Bearer ${fill('a.', 12_000)}`,
  cookie: fill('a=b;', 12_000),
  'if-match': fill('"1",', 12_000),
  'idempotency-key': fill('k', 12_000),
  'x-forwarded-for': fill('1.1.1.1,', 12_000),
  traceparent: fill('00-', 12_000),
  'content-type': `application/json;${fill('a=b;', 12_000)}`,
};

/** Queries as long as Node takes them. */
export const hostileQueries = [
  fill('limit=1&', 12_000),
  fill('&', 12_000),
  fill('a[]=%41&', 12_000),
  `cursor=${fill('A', 12_000)}`,
];
