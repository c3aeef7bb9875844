const PLACE = '{{question}}';

/** The body to send: every text in it with the question in place of `{{question}}`. */
export function fill<T>(template: T, question: string): T;
export function fill(template: unknown, question: string): unknown {
  if (typeof template === 'string') return template.replaceAll(PLACE, () => question);
  if (Array.isArray(template)) return template.map((one: unknown) => fill(one, question));
  if (typeof template !== 'object' || template === null) return template;
  return Object.fromEntries(Object.entries(template).map(([key, value]) => [key, fill(value as unknown, question)]));
}

/** What stands at a dotted path, `undefined` where nothing does. */
export function valueAt(body: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((inside, key) => {
    if (typeof inside !== 'object' || inside === null || !Object.hasOwn(inside, key)) return undefined;
    return (inside as Record<string, unknown>)[key];
  }, body);
}
