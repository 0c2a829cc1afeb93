import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestService } from '@countersign/service-kit/test';
import { frontDoorKey } from './front-door';
import type { ApiEntry } from './log-verifier';

export interface Verdict {
  /** 0: verified, 1: something is wrong, 2: could not be verified. */
  code: number | null;
  output: string;
}

const program = path.resolve(__dirname, '../../../tools/verify/countersign-verify.mjs');

/** The tool as an auditor runs it: a process that has nothing of ours but its own files. */
export const runVerify = (args: readonly string[], input = ''): Promise<Verdict> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], {
      env: { COUNTERSIGN_KEY: frontDoorKey },
      cwd: tmpdir(),
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
    // It may have ended before it has read everything.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });

/** Files of a test, gone with it. */
export interface Desk {
  dir: string;
  file(name: string, text: string): Promise<string>;
  clear(): Promise<void>;
}

export const openDesk = async (): Promise<Desk> => {
  const dir = await mkdtemp(path.join(tmpdir(), 'countersign-verify-'));
  return {
    dir,
    file: async (name, text) => {
      const file = path.join(dir, name);
      await writeFile(file, text);
      return file;
    },
    clear: () => rm(dir, { recursive: true, force: true }),
  };
};

/** All entries as an export has them: one a line. */
export const exportLines = async (service: TestService, workspace: string): Promise<string[]> => {
  const entries: ApiEntry[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const { body } = await service.get(`/v1/audit/entries?limit=200${cursor && `&cursor=${cursor}`}`, {
      workspace,
    });
    entries.push(...body.data);
    cursor = body.nextCursor;
  }
  return entries.map((entry) => JSON.stringify(entry));
};
