/**
 * The answers of endpoints that a store's folder keeps, one file a question. Each is sealed with the hash of its question and
 * itself, so that a damaged, exchanged or half-written one is never taken for an answer: it is as good as none, and is asked again.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { ChatReply, ChatRequest } from '#base/chat.ts';
import { canonicalJson, isJsonObject, type Json, sha256 } from '#base/json.ts';
import { makeFolder } from '#base/make-folder.ts';

const ANSWERS = 'judge-answers';

type Answer = Extract<ChatReply, { kind: 'reply' }>;

/** Names what is asked: equal questions of one draw have equal names, whoever asks with whatever key. */
export function questionId({ url, body, draw = 0 }: Pick<ChatRequest, 'url' | 'body' | 'draw'>): string {
  return sha256(canonicalJson({ url, body, ...(draw > 0 && { draw }) }));
}

/** The answer kept of a question; undefined where there is none that is whole. */
export function keptAnswer(folder: string, question: string): Answer | undefined {
  const kept = parsed(pathOf(folder, question));
  if (!isJsonObject(kept)) return undefined;
  const { text, promptTokens, completionTokens, seal, ...others } = kept;
  if (typeof text !== 'string' || typeof promptTokens !== 'number' || typeof completionTokens !== 'number')
    return undefined;
  const answer = { text, promptTokens, completionTokens };
  if (seal !== sealOf(question, answer) || Object.keys(others).length > 0) return undefined;
  return { kind: 'reply', isCached: true, ...answer };
}

/** Keeps an answer, whole or not at all: workers share the folder. */
export function keepAnswer(folder: string, question: string, reply: Answer): void {
  const { text, promptTokens, completionTokens } = reply;
  const answer = { text, promptTokens, completionTokens };
  const path = pathOf(folder, question);
  makeFolder(join(folder, ANSWERS));
  const temporary = `${path}.${process.pid}.partial`;
  writeFileSync(temporary, canonicalJson({ ...answer, seal: sealOf(question, answer) }));
  renameSync(temporary, path);
}

function pathOf(folder: string, question: string): string {
  return join(folder, ANSWERS, `${question}.json`);
}

function sealOf(question: string, answer: Pick<Answer, 'text' | 'promptTokens' | 'completionTokens'>): string {
  return sha256(`judge-answer\n${question}\n${canonicalJson(answer)}`);
}

function parsed(path: string): Json | undefined {
  try {
    const value: Json = JSON.parse(readFileSync(path, 'utf8'));
    return value;
  } catch {
    return undefined;
  }
}
