import type { Artifact } from '../../domain/artifacts.ts';
import type { Gate } from '../../domain/verdict.ts';

export const artifact = (name: string): Artifact => ({ key: name, sha256: 'a'.repeat(64), bytes: 10 });

export const green = (name: string): Gate => ({ name, verdict: 'pass', expected: 'this', observed: 'this' });
