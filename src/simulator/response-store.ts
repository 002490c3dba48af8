/** Stored responses: kept by id on the endpoint that made them, and known nowhere else. */
import { type Answer, jsonAnswer } from './answer.ts';
import type { Call } from './call.ts';
import { type JsonObject, stringAt } from './json.ts';
import { badRequest, modelError, Refusal } from './refusal.ts';

export interface StoredResponse {
  readonly body: JsonObject;
  readonly inputItems: readonly JsonObject[];
  /** Every item up to and including this response's output, for the next turn. */
  readonly history: readonly JsonObject[];
  readonly state: BackgroundState;
}

/** A background response is queued until its time has come. */
export type BackgroundState =
  | { readonly kind: 'done' }
  | { readonly kind: 'queued'; readonly doneAt: number }
  | { readonly kind: 'cancelled' };

export function findPrevious(call: Call, id: string): StoredResponse {
  const stored = call.endpoint.responses.get(id);
  if (!stored)
    throw badRequest(
      `Previous response with id '${id}' not found.`,
      'previous_response_id',
      'previous_response_not_found',
    );
  return stored;
}

export function getResponse(call: Call): Answer {
  const { body, state } = findStored(call);
  return jsonAnswer(bodyNow(body, state, call.clock.now()));
}

export function deleteResponse(call: Call): Answer {
  const id = idOf(findStored(call));
  call.endpoint.responses.delete(id);
  return jsonAnswer({ id, object: 'response', deleted: true });
}

export function cancelResponse(call: Call): Answer {
  const stored = findStored(call);
  if (stored.body['background'] !== true) throw badRequest('Cannot cancel a synchronous response.', null, null);
  const running = stored.state.kind === 'queued' && stored.state.doneAt > call.clock.now();
  const state: BackgroundState = running ? { kind: 'cancelled' } : stored.state;
  call.endpoint.responses.set(idOf(stored), { ...stored, state });
  return jsonAnswer(bodyNow(stored.body, state, call.clock.now()));
}

export function listInputItems(call: Call): Answer {
  const { inputItems } = findStored(call);
  const ordered = call.query.get('order') === 'asc' ? inputItems : inputItems.toReversed();
  const from = ordered.findIndex((item) => item['id'] === call.query.get('after')) + 1;
  const limit = Number(call.query.get('limit') ?? 20);
  const data = ordered.slice(from, from + limit);
  return jsonAnswer({
    object: 'list',
    data,
    first_id: data[0]?.['id'] ?? null,
    last_id: data.at(-1)?.['id'] ?? null,
    has_more: from + limit < ordered.length,
  });
}

export function bodyNow(body: JsonObject, state: BackgroundState, now: number): JsonObject {
  switch (state.kind) {
    case 'done':
      return body;
    case 'queued':
      return now >= state.doneAt ? body : { ...body, status: 'queued', output: [], usage: null };
    case 'cancelled':
      return { ...body, status: 'cancelled', output: [], usage: null };
    default:
      return state satisfies never;
  }
}

function findStored({ endpoint, ids: [id = ''] }: Call): StoredResponse {
  const stored = endpoint.responses.get(id);
  if (!stored) throw new Refusal(404, modelError(`Response with id '${id}' not found.`, null, null));
  return stored;
}

function idOf({ body }: StoredResponse): string {
  return stringAt(body, 'id') ?? '';
}
