/**
 * What looks like a secret in clear, in files that are kept as they are. A short list on purpose: what people really put into
 * a Dockerfile or a compose file. Prefixes are those that the providers themselves document for secret scanning.
 */
const LOOKS: readonly (readonly [what: string, pattern: RegExp])[] = [
  ['a private key', /-----BEGIN [A-Z ]*PRIVATE KEY-----|AGE-SECRET-KEY-/i],
  ['a key of AWS', /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/],
  ['a token of GitHub', /\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22,})/],
  ['a token of GitLab', /\bglpat-[A-Za-z0-9_-]{20,}/],
  ['a key of Google', /\bAIza[A-Za-z0-9_-]{35}/],
  [
    'a key of an AI provider',
    /\b(?:sk-(?:proj-|ant-|or-)?[A-Za-z0-9_-]{20,}|hf_[A-Za-z0-9]{20,}|jina_[A-Za-z0-9_-]{20,})/,
  ],
  ['a token of Slack', /\bxox[abeprs]-[A-Za-z0-9-]{10,}|hooks\.slack\.com\/services\/T/],
  ['a key of Neon', /\b(?:napi_[a-z0-9]{20,}|npg_[A-Za-z0-9]{8,})/],
  ['a token of npm', /\bnpm_[A-Za-z0-9]{36}/],
  ['a JSON Web Token', /\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\./],
];

/** What stands for a value that comes from elsewhere. `${NAME:-default}` has a default in clear, so it is not among them. */
const INTERPOLATION = /\$\{[A-Za-z_]\w*(?::?\?[^}]*|:?-)?\}|\$[A-Za-z_]\w*/g;
const ELSEWHERE = '$X';

/** `scheme://user:password@`. */
const URL_PASSWORD = /[a-z][a-z0-9+.-]*:\/\/[^\s:/@'"]*:([^\s@/'"]+)@/gi;

/** Names that end as those of secrets do: `MAX_TOKENS` and `POSTGRES_PASSWORD_FILE` do not. */
const NAME =
  '([A-Za-z0-9_-]*(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|SECRET_?KEY|CREDENTIALS?))';
const SECRET_NAME = new RegExp(`^${NAME}$`, 'i');
const VALUE = `(?:"([^"]*)"|'([^']*)'|([^\\s"',}\\]]+))`;
const ASSIGNMENT = new RegExp(`(?<![A-Za-z0-9_-])${NAME}["']?\\s*[=:]\\s*${VALUE}`, 'gi');
/** Docker's older way: `ENV NAME value`. */
const DOCKER_ENV = new RegExp(`^\\s*ENV\\s+${NAME}\\s+${VALUE}`, 'gi');

const NO_SECRET = /^(?:\$X|\$\$?\(.*|<[^>]*>|\{.*|\[.*|\/run\/secrets\/.*|true|false|yes|no|null|~)?$/i;

/** A line that must not be kept in clear. */
export interface ClearSecret {
  /** Counted from one. */
  readonly line: number;
  /** What it looks like; never the line itself. */
  readonly what: string;
}

/** Values too short to be told from other words. */
const SHORTEST = 6;

/**
 * What of some variables must not stand anywhere in clear: values of those that are named as secrets are, and passwords in
 * addresses, with the variable's name.
 */
export function secretValuesIn(variables: ReadonlyMap<string, string>): Map<string, string> {
  const found = [...variables].flatMap(([name, value]) => [
    ...(SECRET_NAME.test(name) ? [[value, name] as const] : []),
    ...[...value.matchAll(URL_PASSWORD)].map(([, password = '']) => [password, name] as const),
  ]);
  return new Map(found.filter(([value]) => value.length >= SHORTEST && !NO_SECRET.test(value)));
}

/**
 * The first line that looks like a secret in clear, comments included: they are read as well.
 * @param values what is known to be secret (`secretValuesIn`)
 */
export function clearSecretIn(text: string, values: ReadonlyMap<string, string>): ClearSecret | undefined {
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    const known = [...values].find(([value]) => line.includes(value));
    const what = known ? `the value of ${known[1]}` : looksLike(line);
    if (what !== undefined) return { line: at + 1, what };
  }
  return undefined;
}

function looksLike(given: string): string | undefined {
  const known = LOOKS.find(([, pattern]) => pattern.test(given));
  if (known) return known[0];
  const line = given.replace(INTERPOLATION, () => ELSEWHERE);
  const passwords = [...line.matchAll(URL_PASSWORD)].map(([, password = '']) => password);
  if (passwords.some((password) => !NO_SECRET.test(password))) return 'an address with a password';
  const assigned = [...line.matchAll(ASSIGNMENT), ...line.matchAll(DOCKER_ENV)].find(
    ([, , double, single, bare]) => !NO_SECRET.test(double ?? single ?? bare ?? ''),
  );
  return assigned && `a value for ${assigned[1] ?? 'a secret'}`;
}
