import { EventEmitter } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { receivedAt } from '../core/received-at.ts';
import { openAdmission } from '../testing/admission.ts';
import { admitRequests } from './admission.ts';

afterEach(() => vi.restoreAllMocks());

describe('the admission queue', () => {
  it('starts a request at once if nothing waits, and each further one in an iteration of its own', async () => {
    const { admission, served, send, iterate } = openAdmission();
    for (const url of ['a', 'b', 'c']) send(url);
    expect(served).toEqual(['a']);
    expect(admission.load.waiting).toBe(2);
    await iterate(1);
    expect(served).toEqual(['a', 'b']);
    await iterate(1);
    expect(served).toEqual(['a', 'b', 'c']);
    expect(admission.load.waiting).toBe(0);
  });

  it('starts another request at once in a later iteration', async () => {
    const { served, send, iterate } = openAdmission();
    send('a');
    await iterate(2);
    send('b');
    expect(served).toEqual(['a', 'b']);
  });

  it('starts a millisecond of short requests in an iteration, once it knows that they are short', async () => {
    const { served, sendMany, iterate } = openAdmission();
    sendMany(300, { ms: 0.125 });
    await iterate(20);
    const before = served.length;
    await iterate(1);
    expect(served.length - before).toBe(8);
  });

  it('starts as many at once in a later iteration, if nothing waits', async () => {
    const { served, send, sendMany, iterate, end } = openAdmission();
    sendMany(20, { ms: 0.125 });
    await end();
    await iterate(1);
    for (const url of ['a', 'b', 'c']) send(url, { ms: 0.125 });
    expect(served.slice(20)).toEqual(['a', 'b', 'c']);
  });

  it('reports how many requests wait, and for how long', async () => {
    const { admission, served, sendMany, iterate } = openAdmission();
    sendMany(31, { ms: 2.5 });
    expect(admission.load).toEqual({ waiting: 30, waitMs: 0 });
    await iterate(13);
    expect(served).toHaveLength(14);
    expect(admission.load).toEqual({ waiting: 17, waitMs: 43 });
  });

  it('starts nothing in an iteration that brought a connection, but no more than ten times in a row', async () => {
    const { admission, served, send, iterate } = openAdmission();
    send('a');
    send('b');
    admission.connected();
    await iterate(1);
    expect(served).toEqual(['a']);
    await iterate(1);
    expect(served).toEqual(['a', 'b']);
    for (const url of ['c', 'd']) send(url);
    for (let n = 0; n < 10; n += 1) {
      admission.connected();
      await iterate(1);
    }
    const before = served.length;
    admission.connected();
    await iterate(1);
    expect(served.length).toBe(before + 1);
  });

  it('has a request wait that comes with a connection, although nothing else waits', async () => {
    const { admission, served, send, iterate } = openAdmission();
    admission.connected();
    send('a');
    expect(served).toEqual([]);
    await iterate(2);
    expect(served).toEqual(['a']);
  });

  it('passes on when a request was received that had to wait', async () => {
    const { time, send, iterate } = openAdmission();
    send('a');
    const waiting = send('b');
    await iterate(1);
    time.now += 1_000;
    expect(receivedAt(waiting as never)).toBe(5);
  });
});

describe('a server with admission', () => {
  function open() {
    const events: string[] = [];
    const server = new EventEmitter();
    server.on('request', ({ url }) => events.push(`handles ${url}`));
    const { admission, ...parts } = openAdmission();
    admitRequests(server as never, admission);
    const response = { writeContinue: () => events.push('asks for the body') };
    const facts = { headers: { priority: 'interactive' }, socket: {} };
    const emit = (event: string, url: string) => server.emit(event, { url, ...facts }, response);
    return { ...parts, server, events, emit };
  }

  it('handles requests that are admitted, and no other', () => {
    const { events, emit, server } = open();
    emit('request', 'a');
    emit('request', 'b');
    expect(events).toEqual(['handles a']);
    expect(server.listenerCount('request')).toBe(1);
  });

  it('asks for a body only after its request was admitted', () => {
    const { events, emit } = open();
    emit('checkContinue', 'a');
    emit('checkContinue', 'b');
    expect(events).toEqual(['asks for the body', 'handles a']);
  });

  it('has a request wait that comes with a connection', () => {
    const { events, emit } = open();
    emit('connection', '');
    emit('request', 'a');
    expect(events).toEqual([]);
  });

  it('must have a handler before', () => {
    const { admission } = openAdmission();
    const server = new EventEmitter();
    expect(() => admitRequests(server as never, admission)).toThrow('The server has no request handler');
  });
});
