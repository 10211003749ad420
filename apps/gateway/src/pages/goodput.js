// Turns readings into the goodput of a load: how many of its requests were answered in time, over how many it offered.

/**
 * Returns a point for each two readings during the same load on a service, oldest first: requests per second, and whether
 * guards of the service were off.
 */
export function goodputOf(readings, service) {
  return readings.flatMap((reading, index) => {
    const [before, after] = [readings[index - 1]?.load, reading.load];
    const isSame = before?.isRunning && before.startedAt === after?.startedAt && after.service === service;
    if (!isSame) return [];
    const perSecond = (count) =>
      ((count(after) - count(before)) * 1_000) / (reading.at - readings[index - 1].at);
    const offered = perSecond(({ sent, unsent }) => sent + unsent);
    // The load has ended since, or its thread has only started.
    if (offered <= 0) return [];
    const answered = perSecond((load) => load.answered);
    return [{ offered, answered, areGuardsOff: experimentOf(reading, service)?.guards === 'off' }];
  });
}

/** Returns the experiment of a service in a reading, preferably one with its guards off; undefined if there is none. */
export function experimentOf({ services }, service) {
  const replicas = services.find(({ name }) => name === service)?.replicas ?? [];
  const all = replicas.flatMap(({ experiment }) => experiment ?? []);
  return all.find(({ guards }) => guards === 'off') ?? all[0];
}
