interface LockedPackage {
  version?: string;
  integrity?: string;
  optional?: boolean;
  devOptional?: boolean;
  peer?: boolean;
}

interface Lock {
  packages?: Record<string, LockedPackage>;
}

export function hashOf(file: string): string;
export function agrees(lock: Lock | undefined, installed: Lock | undefined): boolean;
export function isStale(folder: string): boolean;
export function ensureNodeModules(folder: string, locks: string): Promise<void>;
