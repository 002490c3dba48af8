/**
 * The whole configuration form. The JSON Schema for editors and `docs/configuration.md` are generated from here, so each
 * description is written for the person who fills the form in.
 */
import * as z from 'zod/mini';
import { TIERS } from '../domain/config.ts';
import { access } from './form/access.ts';
import { account, plan } from './form/account.ts';
import { endpoint } from './form/endpoint.ts';
import { agents, pool, tiers } from './form/pool.ts';
import { freeName, mapOf, name, oneOf, section } from './form/settings.ts';
import { shortForms } from './form/shortForms.ts';
import { tuning } from './form/tuning.ts';

export const routerDocument = section(
  {
    $schema: z.optional(
      z.string('text').check(z.describe('Where editors find the form of this file. The router does not read it.')),
    ),
    endpoints: z.optional(mapOf(name, endpoint, 'The Azure OpenAI resources, by the name you give them.')),
    pools: z.optional(
      mapOf(
        name,
        pool,
        'What callers name as their `model`. Absent: a `priority` pool for each deployment name, over all endpoints that have it.',
      ),
    ),
    defaultPool: z.optional(
      name.check(z.describe('The pool for `auto` and for paths that name none. Absent: the first pool.')),
    ),
    agents,
    tiers,
    defaultTier: z.optional(
      oneOf(
        TIERS,
        'The tier of requests that name neither a tier nor a pool. Absent: none, the default pool serves them.',
      ),
    ),
    plans: z.prefault(mapOf(freeName, plan, 'What accounts can buy.'), {}),
    accounts: z.prefault(mapOf(freeName, account, 'Who pays.'), {}),
    ...tuning,
    ...access,
    ...shortForms,
  },
  'The configuration of the router.',
);

export type RouterDocument = z.output<typeof routerDocument>;

/** What is left of a document once everything of the wrong shape is taken out: any part may be missing. */
export type Draft = Incomplete<z.input<typeof routerDocument>>;
type Incomplete<T> = T extends readonly (infer Item)[]
  ? readonly (Incomplete<Item> | undefined)[]
  : T extends object
    ? { readonly [Key in keyof T]?: Incomplete<T[Key]> | undefined }
    : T;
