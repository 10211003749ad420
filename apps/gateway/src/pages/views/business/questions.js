// Questions about all events since the beginning, which are answered from their last export.

import { createChart } from '../../chart.js';
import { element, heading } from '../../dom.js';
import { createForm } from '../../form.js';
import { number, time } from '../../format.js';
import { createPanel } from '../../panel.js';
import { call } from '../../session.js';
import { createTable } from '../../table.js';

/** Makes the form that asks a question, and shows its answer below. */
export function questionPanel(signal) {
  let questions = [];
  const answer = element('div');
  const form = createForm({
    label: 'Ask a question',
    fields: [{ name: 'question', label: 'Question', options: [], required: true }],
    submit: 'Ask',
    async send({ question }, { onRetry }) {
      answer.replaceChildren();
      const path = `/api/v1/reports/questions/${question}`;
      const { items, exportedAt } = await call('GET', path, { signal, onRetry });
      const asked = questions.find(({ name }) => name === question);
      answer.replaceChildren(...showAnswer(asked, items));
      return `Rows: ${number(items.length)}. The answer is about the export of ${time(exportedAt)} UTC.`;
    },
  });

  async function load() {
    const { items } = await call('GET', '/api/v1/reports/questions', { signal });
    questions = items;
    form.choose(
      'question',
      items.map(({ name }) => [name, name]),
    );
    return [element('p', { class: 'quiet' }, 'Amounts are in minor units of their currency, such as cents.')];
  }
  return createPanel('Questions about the whole history', load, signal, { after: [form, answer] });
}

function showAnswer({ name, title, chart }, rows) {
  const columns = Object.keys(rows[0] ?? {}).map((key) => ({
    head: key.replaceAll('_', ' '),
    value: (row) => (typeof row[key] === 'number' ? number(row[key]) : (row[key] ?? '')),
    isNumber: typeof rows[0][key] === 'number',
  }));
  return [
    heading(4, name),
    element('p', {}, title),
    chart &&
      createChart(
        title,
        rows.map((row) => barOf(chart, row)),
      ),
    createTable(name, columns, rows, 'The answer has no rows.'),
  ].filter(Boolean);
}

function barOf({ value, label, series }, row) {
  return {
    label: String(row[label]),
    series: series.map((key) => row[key]).join(' ') || value,
    value: Number(row[value] ?? 0),
  };
}
