import type { Connections } from '@slipway/platform/core/connections';
import type { MongoClient } from 'mongodb';

/**
 * Counts the connections of a client by the events of its pool.
 * Source: https://github.com/mongodb/specifications/blob/master/source/connection-monitoring-and-pooling/connection-monitoring-and-pooling.md
 */
export function countConnections(client: MongoClient): () => Connections {
  const count: Connections = { open: 0, busy: 0, waiting: 0 };
  client.on('connectionCreated', () => {
    count.open += 1;
  });
  client.on('connectionClosed', () => {
    count.open -= 1;
  });
  client.on('connectionCheckOutStarted', () => {
    count.waiting += 1;
  });
  client.on('connectionCheckOutFailed', () => {
    count.waiting -= 1;
  });
  client.on('connectionCheckedOut', () => {
    count.waiting -= 1;
    count.busy += 1;
  });
  client.on('connectionCheckedIn', () => {
    count.busy -= 1;
  });
  return () => ({ ...count });
}
