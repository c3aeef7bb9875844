/**
 * Texts as an array in SQL, for COPY, which takes no parameters. Backslashes stand for themselves, so the session must have
 * `standard_conforming_strings`.
 */
export function arraySql(values: readonly string[]): string {
  const array = `{${values.map((value) => `"${value.replace(/["\\]/g, '\\$&')}"`).join(',')}}`;
  return `'${array.replaceAll("'", "''")}'`;
}
