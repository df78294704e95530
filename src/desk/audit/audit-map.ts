/**
 * What an audit is told of a table: which columns mean what, and the study they answer. A map reads like a study
 * without arms and training; the plan beside an export of ours is such a map already. Nothing in it is guessed but
 * what `auditStudy` proposes.
 */
import type { RunLabel } from '#analysis/import/run-logs.ts';
import { AssayError } from '#base/errors.ts';
import { type ConfigReader, configReader } from '#base/config-reader.ts';
import { isJsonObject, type Json, type JsonObject } from '#base/json.ts';
import { parseStrictJsonText } from '#base/strict-json.ts';
import { readBlocks, readJumps } from '#study/read-blocks.ts';
import { readClaim, readMap } from '#study/read-claims.ts';
import type { Arm, Axis, Contrast, Outcome, Study } from '#study/study.ts';

/** An axis as asked for; what is left out is proposed from the axes, or has its default. */
export type AskedAxis = Pick<Axis, 'name'> & Partial<Axis>;
/** An outcome as asked for; its delta cannot be left out. */
export type AskedOutcome = Pick<Outcome, 'name' | 'delta'> & Partial<Outcome>;

/** A number known beforehand, such as chance, in an outcome's unit; `label` is how sentences call it. */
export interface AskedValue {
  readonly outcome: string;
  readonly value: number;
  readonly label?: string;
}

/** Everything an audit is told. */
export interface AuditMap {
  /** Whether it was written by hand, or is the plan of an export, where arms and columns may be missing because nothing was run or measured. */
  readonly origin: 'user' | 'plan';
  readonly name?: string;
  readonly question?: string;
  readonly scope?: string;
  readonly design?: 'fixed' | 'sequential';
  /** Column by what it means: arm, block, cluster, step, learningRate, status, run, and axes and outcomes by name (by default the name itself). */
  readonly columns: Readonly<Record<string, string>>;
  /** Rows that count: those whose column holds the text. */
  readonly where: Readonly<Record<string, string>>;
  /** Where rows or columns name a run (column `run`, or Weights & Biases chart exports): the label of every run by its name. */
  readonly runs?: Readonly<Record<string, RunLabel>>;
  /** Or how runs are named, such as `{arm}-seed{block}`. */
  readonly runNames?: string;
  readonly matchOn: readonly AskedAxis[];
  readonly outcomes: readonly AskedOutcome[];
  readonly coherence?: NonNullable<Study['coherence']>;
  /** Which blocks belong together, where no column says it. */
  readonly blocks?: NonNullable<Study['blocks']>;
  /** Labels of arms by name. */
  readonly labels: Readonly<Record<string, string>>;
  /** Where arms stand on factors, by name: what maps read. */
  readonly places?: Readonly<Record<string, NonNullable<Arm['at']>>>;
  /** What is asked place by place, beside the contrasts. */
  readonly claims?: NonNullable<Study['claims']>;
  readonly maps?: NonNullable<Study['maps']>;
  /** The arm all others are compared with; the table's first where left out. */
  readonly reference?: string;
  /** Arms with a known effect. */
  readonly controls: readonly string[];
  /** Numbers known beforehand, which every arm of final results is compared with. */
  readonly values?: readonly AskedValue[];
  /** Instead of every arm against the reference. */
  readonly contrasts?: readonly Contrast[];
}

/** A map that says nothing yet. */
export const EMPTY_MAP: AuditMap = {
  origin: 'user',
  columns: {},
  where: {},
  matchOn: [],
  outcomes: [],
  labels: {},
  controls: [],
};

const DIRECTIONS = ['falls', 'rises'] as const;
const ROLES = ['train', 'heldOut', 'other'] as const;
const OUTCOME_ROLES = ['confirmatory', 'exploratory'] as const;
const HIGHER_IS = ['better', 'worse'] as const;
const CONTRAST_KINDS = ['question', 'control'] as const;
const SIDES = ['above', 'below'] as const;
const EXPECTATIONS = ['detected', 'notDetected', 'identical'] as const;

/** Reads a map file's object. @throws AssayError naming the path of what is unknown or not as expected. */
export function mapOf(object: JsonObject): AuditMap {
  const reader = configReader(object);
  const map = { origin: 'user', ...studyPart(reader), ...tablePart(reader) } as const;
  reader.done();
  return map;
}

/** The map that the plan of `assay export` amounts to. @throws AssayError where the description is not a plan's. */
export function mapOfPlan(description: JsonObject): AuditMap {
  const plan = configReader(description);
  const study = studyPart(plan.object('study'));
  const own = (kind: string, names: readonly string[]): [string, string][] =>
    names.map((name) => [name, `${kind}.${name}`]);
  const measured = study.outcomes.map(({ name }) => name);
  const axes = [...study.matchOn.map(({ name }) => name), ...givenAxes(study)];
  const gate = study.coherence === undefined ? [] : [study.coherence.outcome];
  return {
    origin: 'plan',
    ...study,
    // In a study, absence means the whole trajectory counts; elsewhere held-out loss counts up to its minimum.
    matchOn: study.matchOn.map((axis) => ({ ...axis, untilBest: axis.untilBest ?? false })),
    design: plan.oneOf('design', ['fixed', 'sequential']),
    columns: {
      arm: 'arm',
      block: 'block',
      step: 'step',
      learningRate: 'learning_rate',
      status: 'status',
      ...Object.fromEntries([...own('axis', axes), ...own('outcome', [...measured, ...gate])]),
    },
    where: { phase: 'confirmatory' },
    controls: [],
  };
}

/** Axes that claims and maps read points at without matching on them, such as depth. */
export function givenAxes({ claims = [], maps = [] }: Pick<AuditMap, 'claims' | 'maps'>): string[] {
  const places = [...claims, ...maps].map(({ at }) => at);
  return [...new Set(places.flatMap((at) => (at.kind === 'given' ? [at.axis] : [])))];
}

function studyPart(reader: ConfigReader): Omit<AuditMap, 'origin' | 'columns' | 'where' | 'controls'> {
  return {
    ...given('name', textIn(reader, 'name')),
    ...given('question', textIn(reader, 'question')),
    ...given('scope', textIn(reader, 'scope')),
    matchOn: objectsIn(reader, 'matchOn').map(axisOf),
    outcomes: objectsIn(reader, 'outcomes').map(outcomeOf),
    ...(reader.has('coherence') && { coherence: gateOf(reader.object('coherence')) }),
    ...(reader.has('blocks') && { blocks: readBlocks(reader.object('blocks')) }),
    ...armsIn(reader),
    ...(reader.has('claims') && { claims: objectsIn(reader, 'claims').map(readClaim) }),
    ...(reader.has('maps') && { maps: objectsIn(reader, 'maps').map(readMap) }),
    ...(reader.has('contrasts') && { contrasts: objectsIn(reader, 'contrasts').map(contrastOf) }),
  };
}

/** Labels of arms, and where they stand on factors. */
function armsIn(reader: ConfigReader): Pick<AuditMap, 'labels' | 'places'> {
  const labels: [string, string][] = [];
  const places: [string, NonNullable<Arm['at']>][] = [];
  for (const arm of objectsIn(reader, 'arms')) {
    const name = nameIn(arm);
    labels.push([name, textIn(arm, 'label') ?? name]);
    const at = arm.has('at') ? arm.json('at') : undefined;
    if (at === undefined) continue;
    places.push([name, isJsonObject(at) ? at : arm.refuse('at', 'an object of factors', JSON.stringify(at))]);
  }
  return { labels: Object.fromEntries(labels), ...(places.length > 0 && { places: Object.fromEntries(places) }) };
}

function tablePart(
  reader: ConfigReader,
): Pick<AuditMap, 'columns' | 'where' | 'runs' | 'runNames' | 'reference' | 'controls' | 'values'> {
  return {
    columns: textsIn(reader, 'columns'),
    where: textsIn(reader, 'where'),
    ...(reader.has('runs') && { runs: runsIn(reader) }),
    ...given('runNames', textIn(reader, 'runNames')),
    ...given('reference', textIn(reader, 'reference')),
    ...(reader.has('values') && { values: objectsIn(reader, 'values').map(valueOf) }),
    controls: listIn(reader, 'controls').map((item) =>
      typeof item === 'string' ? item : reader.refuse('controls', 'names of arms', JSON.stringify(item)),
    ),
  };
}

function axisOf(reader: ConfigReader): AskedAxis {
  const axis = {
    name: nameIn(reader),
    ...given('label', textIn(reader, 'label')),
    ...given('unit', textIn(reader, 'unit')),
    ...(reader.has('role') && { role: reader.oneOf('role', ROLES) }),
    ...(reader.has('levels') && { levels: reader.numbers('levels') }),
    ...(reader.has('maxGap') && { maxGap: reader.number('maxGap', { min: Number.MIN_VALUE }) }),
    ...(reader.has('direction') && { direction: reader.oneOf('direction', DIRECTIONS) }),
    ...(reader.has('untilBest') && { untilBest: reader.boolean('untilBest') }),
  };
  reader.done();
  return axis;
}

function outcomeOf(reader: ConfigReader): AskedOutcome {
  const outcome = {
    name: nameIn(reader),
    delta: reader.number('delta', { min: Number.MIN_VALUE }),
    ...given('label', textIn(reader, 'label')),
    ...given('unit', textIn(reader, 'unit')),
    ...(reader.has('higherIs') && { higherIs: reader.oneOf('higherIs', HIGHER_IS) }),
    ...(reader.has('role') && { role: reader.oneOf('role', OUTCOME_ROLES) }),
    ...(reader.has('jumps') && { jumps: readJumps(reader.object('jumps')) }),
  };
  reader.done();
  return outcome;
}

function valueOf(reader: ConfigReader): AskedValue {
  const value = {
    outcome: nameIn(reader, 'outcome'),
    value: reader.number('value'),
    ...given('label', textIn(reader, 'label')),
  };
  reader.done();
  return value;
}

function gateOf(reader: ConfigReader): NonNullable<Study['coherence']> {
  const gate = { outcome: nameIn(reader, 'outcome'), floor: reader.number('floor') };
  reader.done();
  return gate;
}

function contrastOf(reader: ConfigReader): Contrast {
  const kind = reader.has('kind') ? reader.oneOf('kind', CONTRAST_KINDS) : 'question';
  const pair = { arm: nameIn(reader, 'arm'), reference: nameIn(reader, 'reference') };
  if (kind === 'question') {
    reader.done();
    return { kind, ...pair };
  }
  const [outcomes, matchings] = ['outcomes', 'matchings'].map((name) =>
    listIn(reader, name).filter((item) => typeof item === 'string'),
  );
  const control = {
    kind,
    ...pair,
    name: nameIn(reader),
    expect: reader.oneOf('expect', EXPECTATIONS),
    ...(reader.has('direction') && { direction: reader.oneOf('direction', SIDES) }),
  };
  reader.done();
  return {
    ...control,
    ...(matchings !== undefined && matchings.length > 0 && { matchings }),
    ...(outcomes !== undefined && outcomes.length > 0 && { outcomes }),
  };
}

function runsIn(reader: ConfigReader): Record<string, RunLabel> {
  const value = reader.json('runs');
  if (!isJsonObject(value)) return reader.refuse('runs', 'an object of labels by run', JSON.stringify(value));
  const entries = Object.entries(value).map(([run, label]): [string, RunLabel] => {
    if (!isJsonObject(label)) return reader.refuse('runs', `an object for run "${run}"`, JSON.stringify(label));
    const own = configReader(label, `runs.${run}`);
    const place = { arm: nameIn(own, 'arm'), block: blockIn(own) };
    const rate = own.has('learningRate') ? { learningRate: own.number('learningRate') } : {};
    own.done();
    return [run, { ...place, ...rate }];
  });
  return Object.fromEntries(entries);
}

/** The block of a run's label: a whole number, as digits in quotes where it is longer than a number can hold. */
export function blockIn(reader: ConfigReader): number | string {
  const value = reader.json('block');
  return typeof value === 'string' && /^\d+$/.test(value) ? value : reader.number('block', { min: 0, integer: true });
}

function given<Name extends string>(name: Name, value: string | undefined): { [name in Name]?: string } {
  const entry: { [name in Name]?: string } = {};
  if (value !== undefined) entry[name] = value;
  return entry;
}

function textIn(reader: ConfigReader, name: string): string | undefined {
  if (!reader.has(name)) return undefined;
  const value = reader.json(name);
  return typeof value === 'string' ? value : reader.refuse(name, 'a text', JSON.stringify(value));
}

function nameIn(reader: ConfigReader, name = 'name'): string {
  const text = textIn(reader, name);
  return text ?? reader.refuse(name, 'a name', 'none');
}

function textsIn(reader: ConfigReader, name: string): Record<string, string> {
  if (!reader.has(name)) return {};
  const value = reader.json(name);
  if (!isJsonObject(value)) return reader.refuse(name, 'an object of texts', JSON.stringify(value));
  return Object.fromEntries(
    Object.entries(value).map(([key, text]) => [
      key,
      typeof text === 'string' ? text : reader.refuse(`${name}.${key}`, 'a text', JSON.stringify(text)),
    ]),
  );
}

function listIn(reader: ConfigReader, name: string): readonly Json[] {
  if (!reader.has(name)) return [];
  const value = reader.json(name);
  // A copy, because Array.isArray does not narrow read-only arrays.
  const list: unknown = value;
  return Array.isArray(list) ? list : reader.refuse(name, 'a list', JSON.stringify(value));
}

function objectsIn(reader: ConfigReader, name: string): ConfigReader[] {
  return listIn(reader, name).map((item, i) =>
    isJsonObject(item)
      ? configReader(item, `${reader.path === '' ? '' : `${reader.path}.`}${name}.${i}`)
      : reader.refuse(`${name}.${i}`, 'an object', JSON.stringify(item)),
  );
}

/** The object a JSON text holds. @throws AssayError naming the file. */
export function jsonObject(text: string, file: string): JsonObject {
  const value = parseStrictJsonText(text, file);
  if (isJsonObject(value)) return value;
  throw new AssayError('data', `${file}: expected a JSON object, found another value.`);
}
