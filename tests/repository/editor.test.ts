/** The files that editors, version managers and containers read agree with those of the tools. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const textOf = (path: string) => readFileSync(`${import.meta.dirname}/../../${path}`, 'utf8');

it('.editorconfig formats as biome.json does', () => {
  const { formatter } = JSON.parse(textOf('biome.json')) as {
    formatter: { indentStyle: string; indentWidth?: number; lineWidth: number; lineEnding?: string };
  };
  const { indentStyle, indentWidth = 2, lineWidth, lineEnding = 'lf' } = formatter;
  const config = textOf('.editorconfig');
  const settingOf = (name: string) => new RegExp(`^${name} = (.+)$`, 'm').exec(config)?.[1];
  expect(settingOf('indent_style')).toBe(indentStyle);
  expect(settingOf('indent_size')).toBe(String(indentWidth));
  expect(settingOf('max_line_length')).toBe(String(lineWidth));
  expect(settingOf('end_of_line')).toBe(lineEnding);
});

it('names the same Node everywhere', () => {
  const { devDependencies } = JSON.parse(textOf('package.json'));
  const major = devDependencies.node.split('.')[0];
  expect(textOf('.node-version').trim()).toBe(devDependencies.node);
  expect(textOf('.devcontainer/devcontainer.json')).toContain(`"version": "${devDependencies.node}"`);
  expect(textOf('Dockerfile')).toContain(`ARG NODE_VERSION=${major}\n`);
});
