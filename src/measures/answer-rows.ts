/**
 * Answers arranged for scoring: what all questions begin with, then each question once, followed by its answers, as many
 * questions a row as fit.
 * Invariant: every answer token is predicted exactly once, from the token before it in its question with that answer.
 */
import type { Sequences } from '#learning/data/sequences.ts';
import type { BranchedRow } from '#learning/readers.ts';
import type { BranchedShape } from '#learning/programs.ts';

/** Rows to score, all of one shape. */
export interface AnswerRows {
  readonly shape: BranchedShape;
  readonly rows: readonly AnswerRow[];
}

/** A row, and for each of its labels the sequence whose answer it belongs to; labels beyond these are padding. */
export interface AnswerRow extends BranchedRow {
  readonly sequences: Int32Array;
}

/** Lengths that most rows may have, in tokens: whole vectors of 16. */
const USUAL_LENGTHS = Array.from({ length: 29 }, (_, i) => 64 + 16 * i);
/** A token costs twice as much in rows of so many tokens as in short ones: attention looks at all of them. Measured on SmolLM2-135M. */
const DOUBLE_COST_LENGTH = 1600;
/** Answers are rarely longer than half of what is asked and answered. */
const LABELS_PER_TOKEN = 0.5;
/** A shorter common beginning is not worth a segment of its own. */
const LEAST_BEGINNING = 8;

/** A question's tokens, once, its answers' tokens, one list each, and how many there are of all and of the learned. */
export interface Branches {
  readonly stem: Int32Array;
  readonly tips: readonly Tip[];
  readonly length: number;
  readonly labels: number;
}

interface Tip {
  readonly sequence: number;
  readonly ids: Int32Array;
  readonly lossMask: Uint8Array;
}

/** The questions of some sequences. @param sharing How many consecutive ones ask the same question, question by question; one each where left out. */
export function questionsOf(sequences: Sequences, sharing?: readonly number[]): Branches[] {
  let next = 0;
  return (sharing ?? Array.from({ length: sequences.count }, () => 1)).map((count) => {
    const first = next;
    next += count;
    return branchesOf(Array.from({ length: count }, (_, i) => tipOf(sequences, first + i)));
  });
}

/** The shape that lets some sets of questions, each in rows of its own, be scored at the least cost. */
export function usualShape(sets: readonly (readonly Branches[])[]): BranchedShape {
  const shapes = USUAL_LENGTHS.map((length) => ({ length, labels: LABELS_PER_TOKEN * length }));
  const costOf = (usual: BranchedShape): number =>
    sets
      .flatMap((set) => arranged(set, usual, commonBeginning(set)))
      .reduce((sum, { shape: { length }, rows }) => sum + rows.length * length * (1 + length / DOUBLE_COST_LENGTH), 0);
  const costs = shapes.map(costOf);
  return shapes[costs.indexOf(Math.min(...costs))] ?? { length: 0, labels: 0 };
}

/** The questions that fit into rows of the usual shape, in such rows, then those that do not, in rows as long as the longest. */
export function answerRows(questions: readonly Branches[], usual: BranchedShape): AnswerRows[] {
  const shared = commonBeginning(questions);
  return arranged(questions, usual, shared).map(({ shape, rows }) => ({
    shape,
    rows: rows.map((row) => rowOf(row, shape, shared)),
  }));
}

/** How many tokens all questions begin with; each has one of its own after them. */
function commonBeginning(questions: readonly Branches[]): number {
  const [first, ...others] = questions.map(({ stem }) => stem);
  if (first === undefined || others.length === 0) return 0;
  const most = others.reduce((least, { length }) => Math.min(least, length), first.length) - 1;
  let shared = 0;
  while (shared < most && others.every((stem) => stem[shared] === first[shared])) shared++;
  return shared < LEAST_BEGINNING ? 0 : shared;
}

function arranged(
  questions: readonly Branches[],
  usual: BranchedShape,
  shared: number,
): { readonly shape: BranchedShape; readonly rows: readonly (readonly Branches[])[] }[] {
  const long = questions.filter((question) => !fits(question, usual));
  const longShape = {
    length: Math.max(...long.map(({ length }) => length)),
    labels: Math.max(...long.map(({ labels }) => labels)),
  };
  const usualRows = filled(
    questions.filter((question) => fits(question, usual)),
    usual,
    shared,
  );
  return [
    { shape: usual, rows: usualRows },
    { shape: longShape, rows: filled(long, longShape, shared) },
  ].filter(({ rows }) => rows.length > 0);
}

function fits({ length, labels }: BranchedShape, within: BranchedShape): boolean {
  return length <= within.length && labels <= within.labels;
}

/** The row of a sequence, without padding. */
function tipOf({ ids, lossMask, segments, length }: Sequences, sequence: number): Tip {
  const start = sequence * length;
  const end = segments.subarray(start, start + length).indexOf(-1);
  const size = end === -1 ? length : end;
  return {
    sequence,
    ids: ids.subarray(start, start + size),
    lossMask: lossMask.subarray(start, start + size),
  };
}

/** Parts what all answers begin with, up to the first token that one of them is scored on. */
function branchesOf(whole: readonly Tip[]): Branches {
  const [first, ...others] = whole;
  const ids = first?.ids ?? new Int32Array();
  const isShared = (t: number): boolean =>
    whole.every(({ lossMask }) => lossMask[t] === 0) && others.every((other) => other.ids[t] === ids[t]);
  let shared = 0;
  while (shared < ids.length && isShared(shared)) shared++;
  const tips = whole.map((tip) => ({
    sequence: tip.sequence,
    ids: tip.ids.subarray(shared),
    lossMask: tip.lossMask.subarray(shared),
  }));
  return {
    stem: ids.subarray(0, shared),
    tips,
    length: shared + tips.reduce((sum, tip) => sum + tip.ids.length, 0),
    labels: tips.reduce((sum, tip) => sum + tip.lossMask.reduce((all, bit) => all + bit, 0), 0),
  };
}

/** Questions into as few rows as first fit, longest first, gives; the beginning that they share is counted once a row. */
function filled(questions: readonly Branches[], shape: BranchedShape, shared: number): Branches[][] {
  const rows: { readonly own: Branches[]; length: number; labels: number }[] = [];
  for (const question of questions.toSorted((a, b) => b.length - a.length)) {
    const [length, labels] = [question.length - shared, question.labels];
    let row = rows.find((one) => fits({ length: one.length + length, labels: one.labels + labels }, shape));
    if (row === undefined) rows.push((row = { own: [], length: shared, labels: 0 }));
    row.own.push(question);
    row.length += length;
    row.labels += labels;
  }
  return rows.map(({ own }) => own);
}

/** Padding is a segment of its own that predicts nothing which is read. @param shared How many tokens the questions share. */
function rowOf(questions: readonly Branches[], { length, labels: most }: BranchedShape, shared: number): AnswerRow {
  const [tokens, positions] = [new Int32Array(length), new Int32Array(length)];
  const [segments, parents, roots] = [new Int32Array(length), new Int32Array(length), new Int32Array(length)];
  const [labelled, labels] = [new Int32Array(most), new Int32Array(most)];
  const sequences: number[] = [];
  let [at, segment] = [0, 0];
  /** Lays a segment down; it is its own parent, or root, where it is given none. */
  const put = (ids: Int32Array, position: number, parent = segment + 1, root = parent): void => {
    segment++;
    tokens.set(ids, at);
    segments.fill(segment, at, at + ids.length);
    parents.fill(parent, at, at + ids.length);
    roots.fill(root, at, at + ids.length);
    for (let t = 0; t < ids.length; t++) positions[at + t] = position + t;
    at += ids.length;
  };
  if (shared > 0) put(questions[0]?.stem.subarray(0, shared) ?? new Int32Array(), 0);
  const root = shared > 0 ? segment : undefined;
  for (const { stem, tips } of questions) {
    put(stem.subarray(shared), shared, root);
    const [stemSegment, stemEnd] = [segment, at - 1];
    for (const { sequence, ids, lossMask } of tips) {
      const start = at;
      put(ids, stem.length, stemSegment, root);
      ids.forEach((id, t) => {
        if (lossMask[t] !== 1) return;
        labelled[sequences.length] = t === 0 ? stemEnd : start + t - 1;
        labels[sequences.length] = id;
        sequences.push(sequence);
      });
    }
  }
  return { tokens, positions, segments, parents, roots, labelled, labels, sequences: Int32Array.from(sequences) };
}
