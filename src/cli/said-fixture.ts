/** Commands in the test's own process: quicker than a process each. */
import { runCommand } from './commands.ts';

/** How a command ended and what it wrote. */
interface Said {
  readonly status: number;
  readonly out: string;
  readonly notes: string;
}

/** Runs a command in this process, with a terminal that remembers. */
export async function said(...args: string[]): Promise<Said> {
  const [out, notes]: [string[], string[]] = [[], []];
  const terminal = {
    out: (line: string): void => void out.push(line),
    note: (line: string): void => void notes.push(line),
    draw: (text: string): void => void notes.push(text),
    isInteractive: false,
    columns: 80,
    page: { columns: 100, isColoured: false },
    now: () => 0,
  };
  const status = await runCommand(args, terminal);
  return { status, out: out.join('\n'), notes: notes.join('\n') };
}
