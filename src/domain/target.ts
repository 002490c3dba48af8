/**
 * What a caller asks for, freed from the dialect it was asked in.
 *
 * `deployment`: an operation that one model deployment carries out. Its deployment stands in the path under dated dialect
 * and in the body's `model` under v1; only the Responses API names it in the body under both.
 *
 * `other`: what the router does not know. `name` is the one in its path; where there is none, its body may name somebody.
 */
export type Target =
  | {
      readonly kind: 'deployment';
      readonly operation: string;
      readonly namedBy: 'path' | 'body';
      readonly name: string | null;
    }
  | { readonly kind: 'response'; readonly id: string; readonly rest: string }
  | { readonly kind: 'models'; readonly id: string | null }
  | { readonly kind: 'other'; readonly path: string; readonly name: string | null };

/** Operations a model deployment carries out; anything else under `/openai/` is passed to one endpoint as it came. */
export const DEPLOYMENT_OPERATIONS: ReadonlySet<string> = new Set([
  'chat/completions',
  'completions',
  'embeddings',
  'responses',
  'responses/compact',
  'responses/input_tokens',
  'images/generations',
  'images/edits',
  'images/variations',
  'audio/transcriptions',
  'audio/translations',
  'audio/speech',
]);

/** Whether the deployment is named in the body under both dialects. */
export function namedInBody(operation: string): boolean {
  return operation === 'responses' || operation.startsWith('responses/');
}
