import { describe, expect, it } from 'vitest';
import { RejectedConnections } from './rejected-connections.ts';

/** Connections whose requests are rejected; `unread` lists those that are not read, oldest first. */
function reject() {
  const connections = new RejectedConnections();
  const unread: string[] = [];
  const add = async (names: string[], headers = {}) => {
    for (const name of names) {
      const pause = () => unread.push(name);
      const resume = () => unread.splice(unread.indexOf(name), 1);
      connections.add({ headers, socket: { pause, resume } } as never);
    }
    await Promise.resolve();
  };
  return { connections, unread, add };
}

describe('the connections of rejected requests', () => {
  it('are read on after the first four rejections of an event-loop iteration', async () => {
    const { connections, unread, add } = reject();
    await add(['1', '2', '3', '4']);
    expect(connections.areWaiting).toBe(false);
    await add(['5', '6']);
    expect(unread).toEqual(['5', '6']);
    expect(connections.areWaiting).toBe(true);
    connections.nextIteration();
    await add(['7', '8', '9', '10']);
    expect(unread).toEqual([]);
  });

  it('are read again in turn, four in an iteration', async () => {
    const { connections, unread, add } = reject();
    await add(['1', '2', '3', '4', '5', '6', '7', '8', '9', '10']);
    connections.nextIteration();
    expect(unread).toEqual(['9', '10']);
    connections.nextIteration();
    expect(unread).toEqual([]);
    expect(connections.areWaiting).toBe(false);
  });

  it('are read on while a body is sent, because its client may read the response only after that', async () => {
    const { connections, unread, add } = reject();
    await add(['1', '2', '3', '4', '5', '6'], { 'content-length': '5' });
    expect(unread).toEqual([]);
    expect(connections.areWaiting).toBe(false);
  });
});
