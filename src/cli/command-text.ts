/** Commands as text a shell takes. */
import type { StudyPlan } from '#study/plan.ts';

/** A word in single quotes where the shell would not take it as it is. */
export function shellWord(text: string): string {
  return /^[\w./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** What was chosen for a plan beside its study, as words of the command line. */
export function planOptions({
  profile,
  blocks,
  settings,
  design,
}: Pick<StudyPlan, 'profile' | 'blocks' | 'settings' | 'design'>): string[] {
  const size = design === 'sequential' ? ['--until-decided', '--max-seeds'] : ['--seeds'];
  const sets = settings.flatMap(({ path, value }) => ['--set', `${path}=${JSON.stringify(value)}`]);
  return ['--profile', profile, ...size, String(blocks), ...sets];
}

/** The command that makes a plan's runs and answer again; `study` is the name or path the user gave. */
export function reproducingCommand(study: string, plan: StudyPlan): string {
  return ['assay', 'run', study, ...planOptions(plan)].map(shellWord).join(' ');
}
