/** The workspace in package-lock.json, as `npm install` writes it: a link, and what its package.json says. */

type Lock = { packages: Record<string, object> };

export function lockWith(text: string, name: string, files: Map<string, string>): string {
  const {
    private: _,
    type,
    exports,
    scripts,
    ...said
  } = JSON.parse(files.get(`apps/${name}/package.json`) ?? '{}');
  return changed(text, (packages) => ({
    ...packages,
    [`apps/${name}`]: said,
    [`node_modules/@slipway/${name}`]: { resolved: `apps/${name}`, link: true },
  }));
}

export function lockWithout(text: string, name: string): string {
  return changed(text, (packages) => {
    const { [`apps/${name}`]: _, [`node_modules/@slipway/${name}`]: __, ...rest } = packages;
    return rest;
  });
}

function changed(text: string, change: (packages: Lock['packages']) => Lock['packages']): string {
  const lock = JSON.parse(text) as Lock;
  const sorted = Object.entries(change(lock.packages)).sort(([a], [b]) => a.localeCompare(b, 'en'));
  return `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, null, 2)}\n`;
}
