/** The error for a program that is neither configured, nor on PATH, nor provided. */
export function missing(name: string, variable: string): Error {
  return new Error(
    `${name} was not found: set ${variable}, put it on PATH, or remove .sandbox/python and start again to have it provided`,
  );
}
