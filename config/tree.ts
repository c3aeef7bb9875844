/** Settings before they are checked: nested objects of anything. */
export type Tree = Readonly<Record<string, unknown>>;

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a dotted path, or `undefined`. */
export function settingAt(tree: Tree, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((at, key) => (isTree(at) && Object.hasOwn(at, key) ? at[key] : undefined), tree);
}

/** A copy with the value at a dotted path. What stands in the way and is no object is left, for the schema to refuse. */
export function withSetting(tree: Tree, path: string, value: unknown): Tree {
  const [key = '', ...rest] = path.split('.');
  if (rest.length === 0) return { ...tree, [key]: value };
  const inner = Object.hasOwn(tree, key) ? tree[key] : {};
  return isTree(inner) ? { ...tree, [key]: withSetting(inner, rest.join('.'), value) } : tree;
}
