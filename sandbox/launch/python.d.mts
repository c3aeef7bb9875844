/** What the launcher provided for the sandbox's servers. */
export interface ProvidedPython {
  readonly requirements: string;
  readonly python: string;
  /** Set as PYTHONPATH where no virtual environment could be made. */
  readonly pythonPath: string | null;
  /** Folder of the programs that came in wheels: `temporal`, `caddy`. */
  readonly bin: string;
  /** Folder of the Python packages. */
  readonly packages: string;
}

export function pythonVersion(text: string): [number, number] | undefined;
export function isNewEnough(version: [number, number]): boolean;
export function readPython(folder?: string, wanted?: string): ProvidedPython | undefined;
export function ensurePython(): Promise<ProvidedPython>;
export function ensureTestPython(): Promise<void>;
