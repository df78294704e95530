/** What tests of configs share: published configs are read, and changes to them are refused by name. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { AssayError } from '#base/errors.ts';
import type { JsonObject } from '#base/json.ts';
import type { ModelDescription } from '#learning/files/model-description.ts';

import { huggingFaceConfig } from './hugging-face-config.ts';

/** Configs by the model's name. */
export type Published = Readonly<Record<string, JsonObject>>;

/** A change to a published config, and what refuses it. */
export type Refusal = readonly [name: string, change: JsonObject, message: RegExp];

export function read(config: JsonObject): ModelDescription {
  return huggingFaceConfig(config, 'config.json');
}

export function testRead(published: Published): void {
  for (const [name, config] of Object.entries(published)) {
    void test(`a config with the keys of ${name} is read`, () => {
      assert.equal(read(config).modelType, config['model_type']);
    });
  }
}

export function testRefused(published: Published, refused: readonly Refusal[]): void {
  for (const [name, change, message] of refused) {
    void test(`a config of ${name} with ${JSON.stringify(change)} is refused, naming what is wrong`, () => {
      assert.throws(
        () => read({ ...published[name], ...change }),
        (thrown) => thrown instanceof AssayError && message.test(thrown.message),
      );
    });
  }
}
