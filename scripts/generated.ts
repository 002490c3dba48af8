/** Writes the files that are made from sources. With `--check` it writes nothing, and fails where a file is not what it would write. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { generateReference, REFERENCE_FILE } from './generate-config-reference.ts';
import { DEPLOY_GUIDE_FILE, generateDeployGuide } from './generate-deploy-guide.ts';
import { generatePrices, PRICES_FILE } from './generate-prices.ts';
import { generateSchema, SCHEMA_FILE } from './generate-schema.ts';
import { generateWorkbook, WORKBOOK_FILE } from './generate-workbook.ts';

const GENERATED: readonly { readonly file: string; readonly make: () => string }[] = [
  { file: SCHEMA_FILE, make: generateSchema },
  { file: REFERENCE_FILE, make: generateReference },
  { file: PRICES_FILE, make: generatePrices },
  { file: DEPLOY_GUIDE_FILE, make: generateDeployGuide },
  { file: WORKBOOK_FILE, make: generateWorkbook },
];

const checkOnly = process.argv.includes('--check');

for (const { file, make } of GENERATED) {
  const wanted = make();
  const upToDate = existsSync(file) && readFileSync(file, 'utf8') === wanted;
  if (!upToDate && !checkOnly) writeFileSync(file, wanted);
  if (!upToDate && checkOnly) process.exitCode = 1;
  console.log(
    `${basename(file)}: ${upToDate ? 'up to date' : checkOnly ? 'out of date, run npm run generate' : 'written'}`,
  );
}
