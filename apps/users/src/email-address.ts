/**
 * Returns the one spelling of an e-mail address under which its account is found. RFC 5321 allows the part before
 * the `@` to be case-sensitive, but mail providers ignore its case, and people type it either way.
 */
export function normalizeEmail(email: string): string {
  // Lower case first: some letters, such as ǰ, have a composed form in lower case only.
  return email.trim().toLowerCase().normalize('NFC');
}

/**
 * Returns other spellings under which a release before 2026-12 may have stored an address: it composed letters before it
 * made them lower case, so that ǰ had two spellings.
 */
export function formerSpellingsOf(typed: string): string[] {
  const email = normalizeEmail(typed);
  const former = [typed, email.toUpperCase()].map((each) => each.trim().normalize('NFC').toLowerCase());
  return [...new Set(former)].filter((each) => each !== email && normalizeEmail(each) === email);
}
