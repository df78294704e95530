/** What is questionable about imported runs, as sentences. */

/** One doubt, as a sentence. */
export interface Doubt {
  readonly kind:
    | 'longLabels'
    | 'brokenRuns'
    | 'skippedSteps'
    | 'nanTakenAsEmpty'
    | 'brokenOutcomes'
    | 'zeroLoss'
    | 'equalBlocks'
    | 'equalArms'
    | 'duplicateSteps'
    | 'stepsOutOfOrder'
    | 'repeatedRows'
    | 'finalResults'
    | 'missingResults'
    | 'describedCovariate'
    | 'levelsNotReached'
    | 'fewBlocks'
    | 'unpairedBlocks'
    | 'noOverlap'
    | 'missingOutcomes'
    | 'wideGaps'
    | 'noisyAxis'
    | 'differentRates'
    | 'sparseOutcomes'
    | 'levelsFromData';
  readonly text: string;
}
