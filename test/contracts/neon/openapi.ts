import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import { parse } from 'yaml';
import type { NeonClient } from '../../support/neon.ts';

/** The description that the vendor ships with the client. */
const FILE = join(process.cwd(), 'node_modules/@neondatabase/api-client/public-v2-for-users.gen.yaml');
const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const DOCUMENT = 'neon';

interface Described {
  readonly paths: Record<string, Record<string, { responses?: Record<string, Body>; requestBody?: Body }>>;
  readonly components: { readonly responses: Record<string, Body> };
}
interface Body {
  readonly $ref?: string;
  readonly content?: Record<string, unknown>;
}

/** Checks requests and answers against the vendor's OpenAPI description. */
class Checker {
  readonly #document = parse(readFileSync(FILE, 'utf8')) as Described;
  readonly #ajv = new Ajv({ strict: false, allErrors: true, formats: formats() });
  readonly #compiled = new Map<string, ValidateFunction>();
  readonly #templates: { path: string; pattern: RegExp }[];
  readonly checked = new Set<string>();

  constructor() {
    this.#ajv.addSchema(this.#document, DOCUMENT);
    this.#templates = Object.keys(this.#document.paths)
      // The fewer places are open, the better a template fits.
      .sort((a, b) => a.split('{').length - b.split('{').length)
      .map((path) => ({ path, pattern: new RegExp(`^${path.replace(/\{[^}]+\}/g, '[^/]+')}$`) }));
  }

  request(method: string, url: string, body: unknown): void {
    const path = this.#pathOf(url);
    const described = this.#document.paths[path]?.[method]?.requestBody;
    if (body === undefined || !described) return;
    this.#check(
      pointer('paths', path, method, 'requestBody', 'content', 'application/json', 'schema'),
      body,
      `${method} ${path}`,
    );
  }

  answer(method: string, url: string, status: number, body: unknown): void {
    const path = this.#pathOf(url);
    const responses = this.#document.paths[path]?.[method]?.responses ?? {};
    const code = String(status) in responses ? String(status) : 'default';
    const what = `${method} ${path} ${status}`;
    if (code === 'default' && status < 400) throw new Error(`${what} is no described answer`);
    const described = responses[code];
    const name = described?.$ref?.split('/').at(-1);
    const content = name === undefined ? described?.content : this.#document.components.responses[name]?.content;
    this.checked.add(what);
    if (!content) return;
    const place = name === undefined ? ['paths', path, method, 'responses', code] : ['components', 'responses', name];
    this.#check(pointer(...place, 'content', 'application/json', 'schema'), body, what);
  }

  #pathOf(url: string): string {
    const found = this.#templates.find(({ pattern }) => pattern.test(url));
    if (!found) throw new Error(`${url} is not described`);
    return found.path;
  }

  #check(reference: string, value: unknown, what: string): void {
    const validate = this.#compiled.get(reference) ?? this.#ajv.compile({ $ref: reference });
    this.#compiled.set(reference, validate);
    if (!validate(value)) throw new Error(`${what}: ${this.#ajv.errorsText(validate.errors)}`);
  }
}

function formats(): Record<string, RegExp | true> {
  const free = ['int32', 'int64', 'int', 'float', 'double', 'uint', 'email', 'uri', 'password', 'binary', 'byte'];
  return { 'date-time': RFC_3339, uuid: UUID, ...Object.fromEntries(free.map((name) => [name, true] as const)) };
}

function pointer(...parts: readonly string[]): string {
  const escaped = parts.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')));
  return `${DOCUMENT}#/${escaped.join('/')}`;
}

/** Has every call of a client checked. Returns what was seen, for asking whether anything was. */
export function checkCalls(client: NeonClient): ReadonlySet<string> {
  const checker = new Checker();
  client.instance.interceptors.request.use((config) => {
    checker.request(config.method ?? 'get', config.url ?? '', config.data);
    return config;
  });
  const look = (response: Answer): void => {
    // What the stand-in does not have, it says in a way of its own.
    if (response.status === 501) return;
    checker.answer(response.config.method ?? 'get', response.config.url ?? '', response.status, response.data);
  };
  client.instance.interceptors.response.use(
    (response) => {
      look(response);
      return response;
    },
    (error: Error & { response?: Answer }) => {
      if (error.response) look(error.response);
      throw error;
    },
  );
  return checker.checked;
}

interface Answer {
  readonly status: number;
  readonly data: unknown;
  readonly config: { readonly method?: string | undefined; readonly url?: string | undefined };
}
