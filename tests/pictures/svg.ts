/** The few shapes that the pictures are made of. */

export const colours = {
  text: '#1f2933',
  faint: '#64748b',
  line: '#cbd5e1',
  good: '#1b7f4b',
  light: '#9bd3b4',
  warning: '#e0a100',
  failed: '#c62828',
  box: '#eef4ff',
  edge: '#3b5bdb',
} as const;

type Attributes = Record<string, string | number | undefined>;

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

/** Numbers have at most one decimal, so that a picture of the same figures is the same file. */
function attributesOf(attributes: Attributes): string {
  return Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => {
      const shown = typeof value === 'number' ? String(Math.round(value * 10) / 10) : escaped(String(value));
      return ` ${name}="${shown}"`;
    })
    .join('');
}

/** An element with text or other elements in it. */
export function element(name: string, attributes: Attributes, ...children: string[]): string {
  const start = `<${name}${attributesOf(attributes)}`;
  return children.length === 0 ? `${start}/>` : `${start}>${children.join('')}</${name}>`;
}

export function text(x: number, y: number, content: string, attributes: Attributes = {}): string {
  return element('text', { x, y, ...attributes }, escaped(content));
}

export function rect(
  x: number,
  y: number,
  width: number,
  height: number,
  fill: string,
  more: Attributes = {},
) {
  return element('rect', { x, y, width: Math.max(0, width), height, fill, ...more });
}

/** A whole picture, on white, so that it can be read on a dark page, too. `description` is for those who cannot see it. */
export function picture(
  width: number,
  height: number,
  title: string,
  description: string,
  ...shapes: string[]
): string {
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${width} ${height}`,
    role: 'img',
    'font-family': 'system-ui, sans-serif',
    'font-size': 13,
    fill: colours.text,
  };
  const about = [element('title', {}, escaped(title)), element('desc', {}, escaped(description))];
  return `${element('svg', attributes, ...about, rect(0, 0, width, height, '#fff', { rx: 8 }), ...shapes)}\n`;
}
