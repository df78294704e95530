/** Commands as text a shell takes. */
import type { StudyPlan } from '#study/plan.ts';

/** A word in single quotes where the shell would not take it as it is. */
export function shellWord(text: string): string {
  return /^[\w./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** The command that makes a plan's runs and answer again; `study` is the name or path the user gave. */
export function reproducingCommand(study: string, { profile, blocks, settings, design }: StudyPlan): string {
  const size = design === 'sequential' ? ['--until-decided', '--max-seeds'] : ['--seeds'];
  const sets = settings.flatMap(({ path, value }) => ['--set', `${path}=${JSON.stringify(value)}`]);
  return ['assay', 'run', study, '--profile', profile, ...size, String(blocks), ...sets].map(shellWord).join(' ');
}
