/** Where the readers' pages come from. */
export const ORIGIN = 'http://textbook.localhost';
