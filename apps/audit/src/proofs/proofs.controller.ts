import { Controller, Get } from '@nestjs/common';
import { planOfConsistency, planOfInclusion, planOfRoot } from '@countersign/merkle-log';
import { Database } from '@countersign/persistence';
import { Call, Caller, ok, Operation, Problem, type Answer } from '@countersign/service-kit';
import { IsOptional, Matches } from 'class-validator';
import { readSize } from '../log/stored-head';
import { readPlanned } from '../tiles/tree-hashes';

const count = /^(0|[1-9]\d{0,17})$/;
const message = '$property must be a whole number from 0';

export class InclusionQuery {
  @Matches(count, { message }) index: string;
  /** The size of the tree to be proven; the newest when it is not given. */
  @IsOptional() @Matches(count, { message }) treeSize?: string;
}

export class ConsistencyQuery {
  @Matches(count, { message }) from: string;
  /** The newest when it is not given. */
  @IsOptional() @Matches(count, { message }) to?: string;
}

const hash = { type: 'string', description: 'base64' };
const proof = { type: 'array', items: hash };

/** Proofs of RFC 6962, from the hashes that stand beside the log. They cost the same however large the log is. */
@Controller('v1/audit/proofs')
export class ProofsController {
  constructor(private readonly database: Database) {}

  @Get('inclusion')
  @Operation({
    scope: 'audit:read',
    summary: 'That an entry is in the tree of a size (RFC 6962 §2.1.1)',
    query: InclusionQuery,
    answers: {
      200: {
        description: 'The proof; `leafHash` and `root` say what it is about, and are to be had elsewhere',
        schema: {
          type: 'object',
          required: ['index', 'treeSize', 'leafHash', 'root', 'proof'],
          properties: {
            index: { type: 'integer' },
            treeSize: { type: 'integer' },
            leafHash: hash,
            root: hash,
            proof,
          },
        },
      },
    },
  })
  inclusion(@Caller() call: Call): Promise<Answer> {
    const query = call.query(InclusionQuery);
    return this.database.read(call.workspaceId, async (sql) => {
      const log = await readSize(sql, call.workspaceId);
      const index = BigInt(query.index);
      const size = sizeWithin(log.size, query.treeSize);
      if (index >= size) throw Problem.notFound(`entry in a tree of ${size} entries`);
      const plans = [[{ height: 0, index }], planOfRoot(size), ...planOfInclusion(index, size)];
      const [leafHash, root, ...path] = await readPlanned(sql, call.workspaceId, log, plans);
      return ok({
        index: Number(index),
        treeSize: Number(size),
        leafHash: base64(leafHash!),
        root: base64(root!),
        proof: path.map(base64),
      });
    });
  }

  @Get('consistency')
  @Operation({
    scope: 'audit:read',
    summary: 'That a tree continues an earlier one (RFC 6962 §2.1.2)',
    query: ConsistencyQuery,
    answers: {
      200: {
        description: 'The proof; empty from 0 and between equal sizes',
        schema: {
          type: 'object',
          required: ['from', 'to', 'proof'],
          properties: { from: { type: 'integer' }, to: { type: 'integer' }, proof },
        },
      },
    },
  })
  consistency(@Caller() call: Call): Promise<Answer> {
    const query = call.query(ConsistencyQuery);
    return this.database.read(call.workspaceId, async (sql) => {
      const log = await readSize(sql, call.workspaceId);
      const to = sizeWithin(log.size, query.to);
      const from = sizeWithin(log.size, query.from);
      if (from > to)
        throw Problem.invalid([{ pointer: '/query/from', message: 'From may not be greater than to.' }]);
      const path = await readPlanned(sql, call.workspaceId, log, planOfConsistency(from, to));
      return ok({ from: Number(from), to: Number(to), proof: path.map(base64) });
    });
  }
}

/** A size that the log has had; the newest when none is named. */
const sizeWithin = (newest: bigint, named: string | undefined): bigint => {
  const size = named === undefined ? newest : BigInt(named);
  if (size > newest) throw Problem.notFound(`tree: the log has ${newest} entries`);
  return size;
};

const base64 = (bytes: Buffer): string => bytes.toString('base64');
