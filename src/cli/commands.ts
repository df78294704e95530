/** The table of commands, and what they share: help, version, errors to exit statuses. */
import { AssayError, type ErrorKind, nearestName } from '#base/errors.ts';

import { auditCommand } from './audit-command.ts';
import { AUDIT_OPTIONS } from './audit-options.ts';
import { doctorCommand } from './doctor.ts';
import { exportCommand } from './export-command.ts';
import { INIT_OPTIONS, initCommand } from './init-command.ts';
import { listCommand, reportCommand, statusCommand } from './inspect-commands.ts';
import { type Given, type OptionName, optionLines, parseOptions } from './options.ts';
import { PLAN_COMMAND_OPTIONS, planCommand } from './plan-command.ts';
import { RUN_OPTIONS, runCommand as runStudyCommand } from './run-command.ts';
import { SCENES_OPTIONS, scenesCommand } from './scenes-command.ts';
import { SCORE_OPTIONS, scoreCommand } from './score-command.ts';
import { STORED_PLAN_OPTIONS } from './stored-plan.ts';
import { processTerminal, type Terminal } from './terminal.ts';
import { packageVersion } from '#desk/version.ts';

interface Command {
  readonly words: readonly string[];
  readonly summary: string;
  readonly options: readonly OptionName[];
  run(given: Given, terminal: Terminal): Promise<number>;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  init: {
    words: ['folder'],
    summary: 'write a study to begin with, which runs at once',
    options: INIT_OPTIONS,
    run: initCommand,
  },
  list: { words: [], summary: 'show the built-in studies', options: [], run: listCommand },
  run: {
    words: ['study'],
    summary: 'make the missing runs of a study and answer its question',
    options: RUN_OPTIONS,
    run: runStudyCommand,
  },
  plan: {
    words: ['study'],
    summary: 'show what run would make, its time and its power',
    options: PLAN_COMMAND_OPTIONS,
    run: planCommand,
  },
  status: {
    words: ['study'],
    summary: 'show how the runs of a study stand',
    options: [...STORED_PLAN_OPTIONS, 'store'],
    run: statusCommand,
  },
  report: {
    words: ['study'],
    summary: 'answer again from the stored runs',
    options: [...STORED_PLAN_OPTIONS, 'store', 'out', 'force'],
    run: reportCommand,
  },
  export: {
    words: ['study'],
    summary: 'write the runs as CSV, JSON lines and Parquet',
    options: [...STORED_PLAN_OPTIONS, 'store', 'out', 'force'],
    run: exportCommand,
  },
  audit: {
    words: ['table...'],
    summary: 'answer from runs trained elsewhere (CSV, Parquet, W&B exports, trainer_state.json)',
    options: AUDIT_OPTIONS,
    run: auditCommand,
  },
  score: {
    words: ['transcripts...'],
    summary: 'score transcripts of agents by a good that you declare, read as assistant, agent and engine',
    options: SCORE_OPTIONS,
    run: scoreCommand,
  },
  scenes: {
    words: ['folder'],
    summary: 'write pictures of coloured shapes, with captions and swaps, for other tools',
    options: SCENES_OPTIONS,
    run: scenesCommand,
  },
  doctor: { words: [], summary: 'check this machine and the store', options: ['store'], run: doctorCommand },
};

const STUDY_NOTE =
  '<study> is a built-in name (see "assay list") or the path of a study file, such as ./study.ts or ./study.json.';
const STORED_PLAN_COMMANDS: ReadonlySet<string> = new Set(['status', 'report', 'export']);
const STORED_PLAN_NOTE = 'Of several plans of a study the one run last is looked at; the options of run name another.';
const TABLE_NOTE =
  "<table...> is one table or several, or a pattern of files of one run each: 'runs/{arm}-seed{block}/trainer_state.json'.";
const TRANSCRIPTS_NOTE =
  '<transcripts...> are logs of Inspect (.eval or .json), or JSON lines of chat messages or of steps with their channels.';
const EXIT_NOTE =
  'Exit status: 0 all ended well, 1 failed runs or a broken store, 2 bad usage or input, 3 a control failed, or nothing was asked or could be scored, 130 stopped.';

/** Bad usage or bad input, as opposed to something that broke. */
const USAGE_KINDS: ReadonlySet<ErrorKind> = new Set<ErrorKind>(['usage', 'config', 'data', 'file']);

/** Runs the command line; resolves with the exit status. */
export async function runCommand(args: readonly string[], terminal: Terminal = processTerminal()): Promise<number> {
  try {
    return await dispatch(args, terminal);
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    terminal.note(`assay: ${error.message}`);
    return USAGE_KINDS.has(error.kind) ? 2 : 1;
  }
}

async function dispatch([name, ...args]: readonly string[], terminal: Terminal): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    for (const line of overview()) (name === undefined ? terminal.note : terminal.out)(line);
    return name === undefined ? 2 : 0;
  }
  if (name === '--version') {
    terminal.out(packageVersion());
    return 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    const nearest = nearestName(name, Object.keys(COMMANDS)) ?? '';
    throw new AssayError(
      'usage',
      `Unknown command "${name}"; the nearest known one is "${nearest}". See: assay --help`,
    );
  }
  const given = parseOptions(args, command.options, command.words);
  if (!given.flag('help')) return command.run(given, terminal);
  for (const line of helpOf(name, command)) terminal.out(line);
  return 0;
}

function overview(): string[] {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
  return [
    'Assay settles whether a training choice changes what a model learns, beyond loss.',
    '',
    'Usage: assay <command> [options]',
    ...Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    "assay <command> --help shows a command's options; assay --version the version.",
    STUDY_NOTE,
    EXIT_NOTE,
  ];
}

function helpOf(name: string, { words, summary, options }: Command): string[] {
  const usage = ['assay', name, ...words.map((word) => `<${word}>`), '[options]'].join(' ');
  return [
    `${usage}: ${summary}`,
    '',
    ...optionLines(options),
    ...(words.includes('study') ? ['', STUDY_NOTE] : []),
    ...(STORED_PLAN_COMMANDS.has(name) ? [STORED_PLAN_NOTE] : []),
    ...(words.includes('transcripts...') ? ['', TRANSCRIPTS_NOTE] : []),
    ...(words.includes('table...') ? ['', TABLE_NOTE] : []),
    EXIT_NOTE,
  ];
}
