/** Licences that let the package be given away, closed or open, with their texts in dist/LICENSES.txt. */
export const ALLOWED_LICENCES: readonly string[] = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT'];
