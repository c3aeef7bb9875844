import { artifactSchema } from '../../domain/artifacts.ts';

/**
 * True for a key that stays inside the store on every file system: the characters of `artifactSchema`, and no folder or
 * file whose name is empty or begins with a dot (`..` climbs out, `.name` is how unfinished files are called).
 */
export function isKey(key: string): boolean {
  return (
    artifactSchema.shape.key.safeParse(key).success &&
    key.split('/').every((part) => part !== '' && !part.startsWith('.'))
  );
}
