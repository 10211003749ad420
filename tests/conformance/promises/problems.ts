import assert from 'node:assert/strict';
import type { Answer } from '../../support/request.ts';
import type { ServicePromise } from '../promise.ts';
import type { Ask } from '../service.ts';
import type { Target } from '../target.ts';

/** Size of a body that is larger than any service accepts; bytes. Only `Content-Length` is sent. */
const hugeBody = 2 ** 40;

/** A header field that is larger than Node accepts by default. */
const largeField = 'x'.repeat(20_000);

/** Every bad request gets a problem document (RFC 9457) with the status that says what is wrong. */
export const problems: ServicePromise[] = [
  promise('unknown-path', 'an unknown path', 404, (target) => target.send({ path: '/conformance/unknown' })),
  {
    id: 'wrong-method',
    name: 'answers a wrong method with 405, Allow and a problem document',
    async check(target) {
      const answer = await target.send({ ...target.description.read, method: 'PUT' });
      expectProblem(answer, 405);
      assert.match(answer.headers.allow ?? '', /GET/, 'the header Allow does not list GET');
    },
  },
  bodyPromise('wrong-json', 'a body that is not JSON', 400, { body: '{"a": ' }),
  bodyPromise('wrong-type', 'a body of the wrong type', 400, { body: '"text"' }),
  bodyPromise('media-type', 'an unknown media type', 415, { headers: { 'content-type': 'text/x-unknown' } }),
  bodyPromise('encoding', 'an unknown content encoding', 415, {
    headers: { 'content-encoding': 'unknown' },
  }),
  bodyPromise('too-large', 'a body that is too large', 413, { headers: { 'content-length': hugeBody } }),
  promise('large-head', 'a head that is too large', 431, (target) =>
    target.send(target.description.read, { headers: { 'x-filler': largeField } }),
  ),
  {
    ...promise('no-token', 'a request without a token', 401, (target) => target.send(guardedOf(target))),
    needs: ['guarded'],
  },
  {
    ...promise('wrong-token', 'a wrong token', 401, (target) =>
      target.send(guardedOf(target), { headers: { authorization: 'Bearer wrong' } }),
    ),
    needs: ['guarded'],
  },
];

function promise(
  id: string,
  input: string,
  status: number,
  send: (target: Target) => Promise<Answer>,
): ServicePromise {
  return {
    id,
    name: `answers ${input} with ${status} and a problem document`,
    check: async (target) => expectProblem(await send(target), status),
  };
}

function bodyPromise(
  id: string,
  input: string,
  status: number,
  options: Parameters<Target['send']>[1],
): ServicePromise {
  const send = (target: Target) => target.send(target.description.write as Ask, options);
  return { ...promise(id, input, status, send), needs: ['write'] };
}

function guardedOf({ description }: Target): Ask {
  return description.guarded as Ask;
}

/** @throws unless the answer is a problem document with this status, a title, and no stack. */
function expectProblem({ status, headers, body }: Answer, expected: number): void {
  assert.equal(status, expected, `the status is ${status}, not ${expected}: ${body}`);
  const type = headers['content-type'] ?? '';
  assert.match(type, /^application\/problem\+json\b/, `the media type is ${type}`);
  const document = JSON.parse(body);
  assert.equal(document.status, expected, `the document has the status ${document.status}`);
  assert.equal(typeof document.title, 'string', 'the document has no title');
  assert.doesNotMatch(body, /\\n\s+at |node_modules/, `the document shows a stack: ${body}`);
}
