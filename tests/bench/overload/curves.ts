type Curve = { route: string; guard: string; shares: number[] };

const panel = { width: 400, height: 260, left: 46, top: 46 };
const colours = ['#b3261e', '#b26a00', '#1b6e3c'];

/** Draws goodput over load, a panel for each route and a line for each guard, as SVG. */
export function goodputCurves(levels: number[], curves: Curve[]): string {
  const routes = [...new Set(curves.map(({ route }) => route))];
  const panels = routes.map((route, index) => {
    const own = curves.filter((curve) => curve.route === route);
    return `<g transform="translate(${index * (panel.width + 60)} 0)">${drawPanel(route, levels, own)}</g>`;
  });
  const width = routes.length * (panel.width + 60) + 20;
  const background = `<rect width="${width}" height="370" fill="#fff"/>`;
  const font = 'font-family="system-ui, sans-serif" font-size="13" fill="#222"';
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="370" ${font}><title>Goodput over load</title>${background}${panels.join('')}</svg>\n`;
}

const x = (level: number) => panel.left + (Math.log(level) / Math.log(10)) * panel.width;
const y = (share: number) => panel.top + (1 - Math.min(share, 1.1) / 1.1) * panel.height;

function drawPanel(route: string, levels: number[], curves: Curve[]): string {
  const title = `<text x="${panel.left}" y="26" font-weight="600">A route that ${route}</text>`;
  const shares = [0, 0.25, 0.5, 0.75, 1].map(
    (share) =>
      `<path d="M${panel.left} ${y(share)}h${panel.width}" stroke="#ddd"/>` +
      `<text x="${panel.left - 8}" y="${y(share) + 4}" text-anchor="end">${share}</text>`,
  );
  const marks = levels.map(
    (level) => `<text x="${x(level)}" y="${y(0) + 20}" text-anchor="middle">${level}×</text>`,
  );
  const lines = curves.map(({ guard, shares: values }, index) => drawLine(guard, index, levels, values));
  return [title, ...shares, ...marks, ...lines].join('');
}

function drawLine(guard: string, index: number, levels: number[], shares: number[]): string {
  const points = levels.map((level, n) => `${x(level).toFixed(1)},${y(shares[n] ?? 0).toFixed(1)}`);
  const colour = colours[index % colours.length];
  const legend = `<text x="${panel.left + index * 130}" y="${y(0) + 44}" fill="${colour}">${guard}</text>`;
  const dots = points.map((point) => {
    const [cx, cy] = point.split(',');
    return `<circle cx="${cx}" cy="${cy}" r="3.5" fill="${colour}"/>`;
  });
  return `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="2.5"/>${dots.join('')}${legend}`;
}
