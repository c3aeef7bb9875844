/** What is too short to be told from other words is no secret that hiding would keep. */
const SHORTEST = 4;
const HIDDEN = '[redacted]';
const LAST_WORDS = 1_000;

/** Hides secrets in a text that comes in pieces: what may be the beginning of one is held back until it is known. */
export interface Redactor {
  push(text: string): string;
  /** What was held back. */
  flush(): string;
}

/** Values of variables, in the forms in which programs print them: as they are, in JSON, in addresses, line by line. */
export function secretsIn(values: Iterable<string>): string[] {
  const found = [...values].flatMap((value) => [value, ...value.split(/\r?\n/), ...passwordsIn(value)]);
  const forms = found.flatMap((text) => [text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text)]);
  return [...new Set(forms.map((text) => text.trim()))].filter(({ length }) => length >= SHORTEST);
}

export function createRedactor(secrets: readonly string[]): Redactor {
  const longestFirst = [...secrets].sort((a, b) => b.length - a.length);
  const firsts = new Set(longestFirst.map((secret) => secret[0]));
  let held = '';
  const scan = (text: string, last: boolean): string => {
    let said = '';
    for (let at = 0; at < text.length;) {
      const here = at;
      const rest = text.length - at;
      const begins = (secret: string): boolean => secret.length > rest && secret.startsWith(text.slice(here));
      const candidates = firsts.has(text[at]) ? longestFirst : [];
      if (!last && candidates.some(begins)) {
        held = text.slice(at);
        return said;
      }
      const secret = candidates.find((one) => text.startsWith(one, here));
      said += secret === undefined ? (text[at] ?? '') : HIDDEN;
      at += secret?.length ?? 1;
    }
    held = '';
    return said;
  };
  return { push: (text) => scan(held + text, false), flush: () => scan(held, true) };
}

/** A whole text without the secrets. */
export function redact(text: string, secrets: readonly string[]): string {
  const redactor = createRedactor(secrets);
  return redactor.push(text) + redactor.flush();
}

/** The output of a deployment on its way to the store, without any of the secrets; remembers its last words. */
export interface Output {
  write(text: string): void;
  /** No more comes. Gives the last words, in one line; empty when nothing was said. */
  end(): string;
}

export function createOutput(secrets: readonly string[], output: (text: string) => void): Output {
  const redactor = createRedactor(secrets);
  let tail = '';
  const say = (text: string): void => {
    if (text === '') return;
    tail = (tail + text).slice(-4 * LAST_WORDS);
    output(text);
  };
  return {
    write: (text) => say(redactor.push(text)),
    end: () => {
      say(redactor.flush());
      return lastWordsOf(tail);
    },
  };
}

/** The end of what was said, in one line, for messages. */
export function lastWordsOf(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(-LAST_WORDS);
}

function passwordsIn(value: string): string[] {
  if (!URL.canParse(value)) return [];
  const { password } = new URL(value);
  return [password, decoded(password)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
