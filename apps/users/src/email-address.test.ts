import { describe, expect, it } from 'vitest';
import { normalizeEmail } from './email-address.ts';

describe('normalizeEmail', () => {
  it.each([
    [' Ada@Example.COM\n', 'ada@example.com'],
    ['cafe\u0301@example.com', 'caf\u00e9@example.com'],
    ['J\u030c@example.com', '\u01f0@example.com'],
    ['j\u030c@example.com', '\u01f0@example.com'],
    ['\u01f0@example.com', '\u01f0@example.com'],
  ])('finds the account of %j under %j', (typed, email) => {
    expect(normalizeEmail(typed)).toBe(email);
  });

  it('returns one spelling for each letter, however it is composed, and the same if it is repeated', () => {
    const differ: string[] = [];
    for (let code = 0x80; code < 0x1_1000; code++) {
      const letter = String.fromCodePoint(code);
      const email = normalizeEmail(`${letter}@x`);
      const forms = [letter.normalize('NFC'), letter.normalize('NFD'), letter.toLowerCase()];
      if ([...forms, email.slice(0, -2)].some((each) => normalizeEmail(`${each}@x`) !== email))
        differ.push(letter);
    }
    expect(differ).toEqual([]);
  });
});
