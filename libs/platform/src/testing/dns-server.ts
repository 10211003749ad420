import { createSocket } from 'node:dgram';
import { isIPv4, isIPv6 } from 'node:net';
import { Address6 } from 'ip-address';

type Srv = { target: string; port: number; priority?: number; weight?: number };

/** The records of a DNS server by name: A and AAAA (one or more addresses) and SRV. */
export type Zone = { a: Record<string, string | string[]>; srv: Record<string, Srv[]> };

/** Starts a DNS server on a free UDP port. It implements the parts of RFC 1035 and RFC 2782 that `zone` needs. */
export async function startDns(zone: Zone) {
  const socket = createSocket('udp4');
  const server = { address: '', asked: 0, stop: () => new Promise<void>((done) => socket.close(done)) };
  socket.on('message', (query, from) => {
    server.asked += 1;
    socket.send(responseTo(query, zone), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  server.address = `127.0.0.1:${socket.address().port}`;
  return server;
}

const types = { A: 1, AAAA: 28, SRV: 33 };

function responseTo(query: Buffer, { a, srv }: Zone): Buffer {
  const { name, end } = readName(query, 12);
  const type = query.readUInt16BE(end);
  const ips = [a[name] ?? []].flat();
  const records = type === types.SRV ? (srv[name] ?? []).map(srvData) : [];
  if (type === types.A)
    records.push(...ips.filter(isIPv4).map((ip) => Buffer.from(ip.split('.').map(Number))));
  if (type === types.AAAA) {
    records.push(...ips.filter(isIPv6).map((ip) => Buffer.from(new Address6(ip).toUnsignedByteArray())));
  }
  const head = Buffer.alloc(12);
  query.copy(head, 0, 0, 2);
  head.writeUInt16BE(name in a || name in srv ? 0x8580 : 0x8583, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(records.length, 6);
  const question = query.subarray(12, end + 4);
  return Buffer.concat([head, question, ...records.map((data) => record(type, data))]);
}

function readName(message: Buffer, start: number): { name: string; end: number } {
  const labels: string[] = [];
  let at = start;
  for (let size = message.readUInt8(at); size > 0; size = message.readUInt8(at)) {
    labels.push(message.toString('latin1', at + 1, at + 1 + size));
    at += 1 + size;
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 };
}

function srvData({ target, port, priority = 0, weight = 1 }: Srv): Buffer {
  const numbers = Buffer.alloc(6);
  [priority, weight, port].forEach((value, index) => {
    numbers.writeUInt16BE(value, index * 2);
  });
  const labels = target
    .split('.')
    .map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`));
  return Buffer.concat([numbers, ...labels, Buffer.from([0])]);
}

/** Encodes a resource record. Its name is a pointer to the name in the question. */
function record(type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(1, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}
