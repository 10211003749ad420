import { PassThrough, Writable } from 'node:stream';
import { expect, it, vi } from 'vitest';
import { endOfIteration } from '../core/end-of-iteration.ts';
import { ResponseBody } from './response-body.ts';

/** A body, and what it has told undici. */
function receive() {
  const control = {
    pause: vi.fn(),
    resume: vi.fn(),
    abort: vi.fn(),
    aborted: false,
    paused: false,
    reason: null,
  };
  const body = new ResponseBody(control);
  const closed = vi.fn();
  body.onClose(closed);
  return { body, control, closed };
}

it('is read as text, whether it arrived before or after the reader', async () => {
  const { body, closed } = receive();
  body.push(Buffer.from('early '));
  const text = body.text();
  expect(closed).not.toHaveBeenCalled();
  body.push(Buffer.from('late'));
  body.end();
  expect(await text).toBe('early late');
  expect(closed).toHaveBeenCalledOnce();
});

it('reaches a stream byte by byte as it was, in one piece or in several', async () => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
  for (const parts of [[bytes], [bytes.subarray(0, 100), bytes.subarray(100)], []]) {
    const { body, closed } = receive();
    for (const part of parts) body.push(part);
    body.end();
    const target = new PassThrough();
    body.pipeTo(target);
    expect(Buffer.concat(await target.toArray())).toEqual(Buffer.concat(parts));
    expect(closed).toHaveBeenCalledOnce();
  }
});

it('is paused while its reader is slow, and resumed after', async () => {
  const { body, control, closed } = receive();
  const taken: string[] = [];
  let next = () => {};
  const target = new Writable({
    highWaterMark: 1,
    write(chunk, _encoding, done) {
      taken.push(String(chunk));
      next = done;
    },
  });
  body.pipeTo(target);
  control.resume.mockClear();
  body.push(Buffer.from('one'));
  body.push(Buffer.from('two'));
  expect(control.pause).toHaveBeenCalled();
  expect(taken).toEqual(['one']);
  next();
  await vi.waitFor(() => expect(taken).toEqual(['one', 'two']));
  next();
  await vi.waitFor(() => expect(control.resume).toHaveBeenCalled());
  body.end();
  expect(closed).toHaveBeenCalledOnce();
});

it('is paused if it is long and nobody reads it', () => {
  const { body, control } = receive();
  body.push(Buffer.alloc(60_000));
  expect(control.pause).not.toHaveBeenCalled();
  body.push(Buffer.alloc(60_000));
  expect(control.pause).toHaveBeenCalled();
});

it('rejects and ends the call if it exceeds the limit of its reader', async () => {
  const { body, control, closed } = receive();
  const text = body.text({ bytes: 4, error: () => new Error('too long') });
  body.push(Buffer.from('12345'));
  await expect(text).rejects.toThrow('too long');
  expect(control.abort).toHaveBeenCalledOnce();
  expect(closed).toHaveBeenCalledOnce();
});

it('that breaks off destroys the stream, after the reason was reported', async () => {
  const { body } = receive();
  const target = new PassThrough();
  const reported: unknown[] = [];
  body.pipeTo(target, (reason) => reported.push(reason, target.destroyed));
  const reason = new Error('broken');
  body.fail(reason);
  expect(reported).toEqual([reason, false]);
  expect(target.destroyed).toBe(true);
});

it('that breaks off destroys the stream also if nobody asks for the reason', () => {
  const { body } = receive();
  const target = new PassThrough();
  body.pipeTo(target);
  body.fail(new Error('broken'));
  expect(target.destroyed).toBe(true);
});

it('fails for a reader that comes after it broke off', async () => {
  const { body, closed } = receive();
  body.push(Buffer.from('lost'));
  const reason = new Error('broken');
  body.fail(reason);
  await expect(body.text()).rejects.toBe(reason);
  expect(closed).toHaveBeenCalledOnce();
});

it('reports its end to a listener that comes after it', () => {
  const { body } = receive();
  body.fail(new Error('broken'));
  const late = vi.fn();
  body.onClose(late);
  expect(late).toHaveBeenCalledOnce();
});

it('may be as long as the limit of its reader', async () => {
  const { body, control } = receive();
  const text = body.text({ bytes: 4, error: () => new Error('too long') });
  body.push(Buffer.from('12'));
  body.push(Buffer.from('34'));
  body.end();
  expect(await text).toBe('1234');
  expect(control.abort).not.toHaveBeenCalled();
  expect(control.pause).not.toHaveBeenCalled();
});

it('may wait up to 64 KiB for its reader without a pause', () => {
  const { body, control } = receive();
  body.push(Buffer.alloc(65_535));
  body.push(Buffer.alloc(1));
  expect(control.pause).not.toHaveBeenCalled();
  body.push(Buffer.alloc(1));
  expect(control.pause).toHaveBeenCalledOnce();
});

it('does not count what was read against what may wait', async () => {
  const { body, control } = receive();
  body.push(Buffer.alloc(60_000));
  const dumped = body.dump();
  expect(control.resume).toHaveBeenCalledOnce();
  body.push(Buffer.alloc(60_000));
  expect(control.pause).not.toHaveBeenCalled();
  body.end();
  await dumped;
});

it('is written in one piece with the head of a response if it is small and complete', async () => {
  const written = async (bytes: number) => {
    const { body } = receive();
    body.push(Buffer.alloc(bytes, 255));
    body.end();
    const ended = vi.fn();
    body.pipeTo({ end: ended } as unknown as Writable);
    await endOfIteration();
    return ended.mock.calls;
  };
  expect(await written(16_384)).toEqual([['\u00ff'.repeat(16_384), 'latin1']]);
  expect(await written(16_385)).toEqual([[Buffer.alloc(16_385, 255)]]);
});

it('is written together with those of other responses if it is small and complete', async () => {
  const ended: string[] = [];
  for (const text of ['first', 'second']) {
    const { body } = receive();
    body.push(Buffer.from(text));
    body.end();
    body.pipeTo({ end: (all: string) => ended.push(all) } as unknown as Writable);
  }
  expect(ended).toEqual([]);
  await endOfIteration();
  expect(ended).toEqual(['first', 'second']);
});

it('that is paused ends once its reader has taken all of it', async () => {
  const { body, control, closed } = receive();
  const target = new PassThrough({ highWaterMark: 1 });
  body.pipeTo(target);
  control.resume.mockClear();
  body.push(Buffer.from('one'));
  body.push(Buffer.from('two'));
  body.end();
  expect(closed).not.toHaveBeenCalled();
  expect(control.resume).not.toHaveBeenCalled();
  expect(Buffer.concat(await target.toArray()).toString()).toBe('onetwo');
  expect(closed).toHaveBeenCalledOnce();
});

it('is discarded by a dump, also if it breaks off', async () => {
  for (const end of ['end', 'fail'] as const) {
    const { body, control, closed } = receive();
    body.push(Buffer.from('some'));
    const dumped = body.dump();
    body.push(Buffer.from('more'));
    body[end](new Error('broken'));
    await dumped;
    expect(control.pause).not.toHaveBeenCalled();
    expect(closed).toHaveBeenCalledOnce();
  }
});

it('that is destroyed closes its connection unless it was complete', () => {
  const unread = receive();
  unread.body.destroy();
  expect(unread.control.abort).toHaveBeenCalledExactlyOnceWith(new Error('The body was not read'));
  expect(unread.closed).toHaveBeenCalledOnce();
  const complete = receive();
  complete.body.end();
  complete.body.destroy();
  expect(complete.control.abort).not.toHaveBeenCalled();
  expect(complete.closed).toHaveBeenCalledOnce();
});

it('fails once, and takes no more after that', async () => {
  const { body, control, closed } = receive();
  const target = new PassThrough({ highWaterMark: 1 });
  const broken = vi.fn();
  body.pipeTo(target, broken);
  control.resume.mockClear();
  body.push(Buffer.from('one'));
  body.push(Buffer.from('two'));
  body.fail(new Error('broken'));
  body.fail(new Error('again'));
  control.pause.mockClear();
  body.push(Buffer.alloc(70_000));
  target.emit('drain');
  body.end();
  expect(broken).toHaveBeenCalledExactlyOnceWith(new Error('broken'));
  expect(closed).toHaveBeenCalledOnce();
  expect(control.pause).not.toHaveBeenCalled();
  expect(control.resume).not.toHaveBeenCalled();
  expect(target.read()?.toString()).toBe('one');
});
