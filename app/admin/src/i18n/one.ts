// English has a word for one: "1 people" is "1 person". Texts whose number is i18next's count
// have plurals of their own (_one, _other); the others get their numbers as text.

const ones: Readonly<Record<string, string>> = {
  people: 'person',
  children: 'child',
  batches: 'batch',
  entries: 'entry',
  statuses: 'status',
};

/** Words after a number that are no plural, though they end as one. */
const never = /^(this|is|was|has|as|always|days'|sms|previous|its|plus|minus|yes|less|unless|across|s)$/i;

function oneOf(word: string): string {
  const known = ones[word.toLowerCase()];
  if (known) return known;
  if (never.test(word) || !/[a-z]s$/.test(word) || /ss$/.test(word)) return word;
  return word.slice(0, -1);
}

/** one mends "1 people" and "1 new members" in an English text. */
export function one(text: string): string {
  return text.replace(
    /(^|[^\d.,:/–-])1 ((?:more |new |open |other |direct |failed |active |known |full-width )?)([A-Za-z]+)\b(?!')/g,
    (_, before: string, kind: string, word: string) => `${before}1 ${kind}${oneOf(word)}`,
  );
}
