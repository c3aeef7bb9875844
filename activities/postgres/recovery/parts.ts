import type { PostgresConfig } from '../../../config/schema.ts';
import type { Secret } from '../../../config/secret.ts';
import type { ArtifactStore } from '../../../domain/artifacts.ts';
import type { Place } from '../../../domain/database-state.ts';

/** What recovering a database needs. */
export interface RecoveryParts {
  readonly config: PostgresConfig;
  readonly store: ArtifactStore;
  /** Search path of programs, used when `config.binDir` is absent. */
  readonly path?: string | undefined;
  /** The address of a state of the database. @throws NEON_*, INVALID_INPUT */
  urlOf(place: Place): Promise<Secret>;
}

/** A part of a store's key, made of a table's name: another for every name. */
export function keyPart(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9_.-]/g, (letter) => `-${letter.codePointAt(0)?.toString(16) ?? ''}-`);
  return /^[A-Za-z0-9]/.test(plain) ? plain : `t${plain}`;
}
