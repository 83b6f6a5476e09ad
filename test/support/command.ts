// Runs the real command (`node src/main.ts …`) in a directory of its own, with an environment without keys.
//
//   using place = commandPlace();                     a temporary directory, deleted at the end, processes ended
//   place.write('config.yaml', '…')                   returns its path
//   await place.run(['check-config', 'config.yaml'], { env, stdin })      → { exitCode, signal, stdout, stderr }
//   const node = place.launch(['--port', '0']);       await node.untilStderr(/…/) → the match;  node.signal('SIGTERM');
//   await node.ended                                  → { exitCode, signal, stdout, stderr }
//   const { url, node } = await place.startNode([…])  a node on a free port, ready
//   const chat = place.launchInTerminal(['chat']);    all it writes is in `stdout`, without control sequences; chat.type('…')

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

const ROOT = resolve(import.meta.dirname, '../..');
const MAIN = join(ROOT, 'src/main.ts');

/** Can `launchInTerminal` be used here? */
export const hasTerminal = process.platform === 'linux' && existsSync('/usr/bin/script');

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

export interface CommandResult {
  /** null when a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class RunningCommand {
  stdout = '';
  stderr = '';
  readonly ended: Promise<CommandResult>;
  readonly #child: ChildProcess;
  readonly #waiting = new Set<() => void>();
  #isEnded = false;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += stripVTControlCharacters(text);
      this.#changed();
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#changed();
    });
    // A command that reads nothing may have ended before this was written.
    child.stdin?.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
    this.ended = new Promise((resolveEnd, reject) => {
      child.once('error', reject);
      child.once('close', (exitCode, signal) => {
        this.#isEnded = true;
        this.#changed();
        resolveEnd({ exitCode, signal, stdout: this.stdout, stderr: this.stderr });
      });
    });
  }

  untilStdout(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#until(() => pattern.exec(this.stdout), pattern);
  }

  untilStderr(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#until(() => pattern.exec(this.stderr), pattern);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  endInput(text: string): void {
    this.#child.stdin?.end(text);
  }

  /** `\r` is the Enter key, `\x03` Ctrl-C, `\x04` Ctrl-D. */
  type(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** As `| head` does when it has seen enough. */
  closeStdout(): void {
    this.#child.stdout?.destroy();
  }

  async #until(found: () => RegExpExecArray | null, pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = found();
      if (match) return match;
      if (this.#isEnded) throw new Error(`${pattern} never came.\nstdout: ${this.stdout}\nstderr: ${this.stderr}`);
      await new Promise<void>((wake) => this.#waiting.add(wake));
    }
  }

  #changed(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

export class CommandPlace {
  readonly directory = mkdtempSync(join(tmpdir(), 'flowmesh-command-'));
  readonly #running: RunningCommand[] = [];

  path(name: string): string {
    return join(this.directory, name);
  }

  write(name: string, text: string): string {
    writeFileSync(this.path(name), text);
    return this.path(name);
  }

  launch(args: readonly string[], { env = {}, stdin = '' }: CommandOptions = {}): RunningCommand {
    const running = this.#spawn(process.execPath, [MAIN, ...args], env);
    running.endInput(stdin);
    return running;
  }

  /** By util-linux' `script`; see `hasTerminal`. The arguments must need no quotes. */
  launchInTerminal(args: readonly string[]): RunningCommand {
    return this.#spawn('script', ['-qefc', [process.execPath, MAIN, ...args].join(' '), '/dev/null'], { TERM: 'dumb' });
  }

  run(args: readonly string[], options?: CommandOptions): Promise<CommandResult> {
    return this.launch(args, options).ended;
  }

  /** Give a port in `args`, or 0 is used. */
  async startNode(
    args: readonly string[] = [],
    options?: CommandOptions,
  ): Promise<{ url: string; node: RunningCommand }> {
    const node = this.launch(['start', ...args, ...(args.includes('--port') ? [] : ['--port', '0'])], options);
    const [, url = ''] = await node.untilStderr(/endpoint +(http:\S+)\/v1\n[\s\S]*curl /);
    return { url, node };
  }

  #spawn(program: string, args: readonly string[], env: Readonly<Record<string, string>>): RunningCommand {
    const child = spawn(program, args, {
      cwd: this.directory,
      env: {
        PATH: process.env.PATH,
        HOME: this.directory,
        FLOWMESH_HOME: this.path('state'),
        FLOWMESH_NO_PROBE: '1',
        // The one of npm test: an empty one would make every run slow.
        NODE_COMPILE_CACHE: join(ROOT, 'node_modules/.cache/flowmesh-tests'),
        ...env,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const running = new RunningCommand(child);
    this.#running.push(running);
    return running;
  }

  [Symbol.dispose](): void {
    for (const running of this.#running) running.signal('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export function commandPlace(): CommandPlace {
  return new CommandPlace();
}
