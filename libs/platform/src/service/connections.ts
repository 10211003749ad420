import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { LiveList } from '../core/live-list.ts';

type Handle = (request: IncomingMessage, response: ServerResponse) => void;

/** The response to the newest request of each connection that waits for one. */
const newest = new WeakMap<Socket, ServerResponse>();

/** Returns the response that a connection still waits for: the one to its newest request. */
export function responseOn(socket: Socket): ServerResponse | undefined {
  const response = newest.get(socket);
  return response?.writableFinished ? undefined : response;
}

export type ClientConnections = {
  /** Closes every connection that waits for no response, even if it has sent a part of a request. */
  closeUnused(): void;
};

/**
 * Serves the requests of each connection one after the other. Node starts pipelined requests at once: if the first
 * response closed the connection, the others would be carried out, and their client would never learn it (RFC 9112
 * section 9.6). Call it after all request listeners are added, because it wraps them.
 */
export function superviseConnections(server: Server): ClientConnections {
  const sockets = new LiveList<Socket>();
  server.on('connection', (socket) => socket.once('close', sockets.add(socket)));
  for (const event of ['request', 'checkContinue']) {
    const listeners = server.listeners(event) as Handle[];
    server.removeAllListeners(event);
    for (const listener of listeners) server.on(event, inOrder(listener));
  }
  sendBeforeClosing(server, sockets);
  return {
    closeUnused() {
      for (const socket of sockets) if (!responseOn(socket)) socket.destroy();
    },
  };
}

/**
 * Lets a server that closes send its responses first. Node takes a connection for idle as soon as its response is written,
 * and would lose what a slow client has not read by then.
 */
function sendBeforeClosing(server: Server, sockets: Iterable<Socket>): void {
  const closeIdleConnections = server.closeIdleConnections.bind(server);
  server.closeIdleConnections = () => {
    const sending = [...sockets].filter(responseOn);
    for (const socket of sending) socket.destroy = () => socket;
    closeIdleConnections();
    for (const socket of sending) {
      Reflect.deleteProperty(socket, 'destroy');
      responseOn(socket)?.once('close', () => responseOn(socket) ?? socket.end());
    }
  };
}

function inOrder(handle: Handle): Handle {
  return (request, response) => {
    const { socket } = request;
    const before = responseOn(socket);
    newest.set(socket, response);
    response.once('close', () => forget(socket, response));
    const serve = () => {
      // A connection that its last response has closed carries no further request.
      if (socket.writable) handle(request, response);
    };
    if (before) before.once('close', serve);
    else serve();
  };
}

/** Lets go of a response: an idle connection would otherwise keep its last request in memory. */
function forget(socket: Socket, response: ServerResponse): void {
  if (newest.get(socket) === response) newest.delete(socket);
}
