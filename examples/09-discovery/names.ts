import { startDns } from '@slipway/platform/testing/dns-server';

const name = '_http._tcp.quotes.example';

/** A DNS server with the addresses of the ready replicas of quotes, as a cluster has for a headless Service. */
export async function startNames() {
  const records: { target: string; port: number }[] = [];
  const dns = await startDns({ a: { 'host.example': '127.0.0.1' }, srv: { [name]: records } });
  return {
    /** The address that a caller has in its settings to find the replicas. */
    url: `srv+http://${name}?dns=${dns.address}`,
    add: (port: number) => void records.push({ target: 'host.example', port }),
    remove(port: number) {
      const index = records.findIndex((record) => record.port === port);
      if (index >= 0) records.splice(index, 1);
    },
    close: () => dns.stop(),
  };
}
