/** `files`: what was uploaded, known to this endpoint alone. */
import { type Answer, bytesAnswer, jsonAnswer } from './answer.ts';
import { type Call, nowInSeconds } from './call.ts';
import type { JsonObject } from './json.ts';
import { fieldOf, filesOf } from './multipart.ts';
import { badRequest, modelError, Refusal } from './refusal.ts';
import { makeHexId } from './seeded.ts';

export interface StoredFile {
  readonly id: string;
  readonly filename: string;
  readonly purpose: string;
  readonly bytes: Buffer;
  readonly createdAt: number;
}

export function createFile(call: Call): Answer {
  const [upload] = filesOf(call.form, 'file');
  if (!upload) throw badRequest("Missing required parameter: 'file'.", 'file', 'missing_required_parameter');
  const purpose = fieldOf(call.form, 'purpose');
  if (purpose === null)
    throw badRequest("Missing required parameter: 'purpose'.", 'purpose', 'missing_required_parameter');
  const file: StoredFile = {
    id: makeHexId(purpose === 'assistants' ? 'assistant-' : 'file-', call.draw, 32),
    filename: upload.filename ?? 'upload',
    purpose,
    bytes: Buffer.from(upload.bytes),
    createdAt: nowInSeconds(call),
  };
  call.endpoint.files.set(file.id, file);
  return jsonAnswer(fileBody(file));
}

export function listFiles(call: Call): Answer {
  const purpose = call.query.get('purpose');
  const files = [...call.endpoint.files.values()].filter((file) => purpose === null || file.purpose === purpose);
  return jsonAnswer({
    data: files.map(fileBody),
    has_more: false,
    object: 'list',
    first_id: files[0]?.id ?? null,
    last_id: files.at(-1)?.id ?? null,
  });
}

export function getFile(call: Call): Answer {
  return jsonAnswer(fileBody(findFile(call)));
}

export function fileContent(call: Call): Answer {
  return bytesAnswer(findFile(call).bytes, 'application/octet-stream');
}

export function deleteFile(call: Call): Answer {
  const { id } = findFile(call);
  call.endpoint.files.delete(id);
  return jsonAnswer({ id, object: 'file', deleted: true });
}

function findFile({ endpoint, ids: [id = ''] }: Call): StoredFile {
  const file = endpoint.files.get(id);
  if (!file) throw new Refusal(404, modelError(`No such File object: ${id}`, 'id', null));
  return file;
}

function fileBody({ id, filename, purpose, bytes, createdAt }: StoredFile): JsonObject {
  return {
    status: 'processed',
    bytes: bytes.length,
    purpose,
    filename,
    expires_at: null,
    id,
    created_at: createdAt,
    object: 'file',
  };
}
