import { Controller, Delete, Get, Inject, Post } from '@nestjs/common';
import { People } from '@countersign/directory-replica';
import { COSIGNATURE_V1, parseVerifierKey, planOfRoot } from '@countersign/merkle-log';
import type { UnitOfWork } from '@countersign/messaging';
import { Database, type Sql } from '@countersign/persistence';
import {
  Call,
  Caller,
  callingActor,
  content,
  created,
  decodeCursor,
  Idempotency,
  idPosition,
  noContent,
  ok,
  Operation,
  PageQuery,
  pageOf,
  pageSchema,
  PathId,
  Problem,
  UNIT_OF_WORK,
  type Answer,
} from '@countersign/service-kit';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import { v7 } from 'uuid';
import { AuditLog } from '../log/audit-log';
import { factOfCall } from '../log/fact';
import { readSize } from '../log/stored-head';
import { readPlanned } from '../tiles/tree-hashes';
import { readCosignatures } from './read-cosignatures';
import {
  cosignedNote,
  deleteWitness,
  holdWitnesses,
  insertWitness,
  listWitnesses,
  newestSignedBy,
  newestSignedWith,
  storeCosignatures,
  type Witness,
} from './witness.rows';

export class CreateWitness {
  /** `name+id+key` of type 0x04: Ed25519 cosignatures (C2SP tlog-cosignature). */
  @IsString() @MaxLength(1_000) verifierKey: string;
}

export class CosignedQuery {
  /** By how many of the witnesses at least; 1 when it is not given. */
  @IsOptional() @Type(() => Number) @IsInt() @Min(1) @Max(100) witnesses?: number;
  /** By the witness whose key has this id: the eight hexadecimal digits in its verifier key. */
  @IsOptional()
  @Matches(/^[0-9a-f]{8}$/, { message: '$property must be the id of a key: eight hexadecimal digits' })
  witness?: string;
}

const mediaType = 'text/plain';
const text = `${mediaType}; charset=utf-8`;
const note = { description: 'A signed note', schema: { type: 'string' }, mediaType };
const witnessSchema = {
  type: 'object',
  required: ['id', 'name', 'verifierKey', 'createdAt'],
  properties: {
    id: { type: 'string', format: 'uuid' },
    name: { type: 'string' },
    verifierKey: { type: 'string' },
    createdAt: { type: 'string', format: 'date-time' },
  },
};

const view = ({ id, name, verifierKey, createdAt }: Witness) => ({
  id,
  name,
  verifierKey,
  createdAt: createdAt.toISOString(),
});

/** Witnesses see every checkpoint they sign continue the one before: with them a log cannot show everybody another face. */
@Controller('v1/audit/log')
export class WitnessesController {
  constructor(
    private readonly database: Database,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
    private readonly idempotency: Idempotency,
    private readonly log: AuditLog,
    private readonly people: People,
  ) {}

  @Post('witnesses')
  @Operation({
    scope: 'admin',
    trail: 'witness.added',
    summary: 'Registers a witness by its verifier key',
    body: CreateWitness,
    answers: { 201: { description: 'The witness', schema: witnessSchema } },
  })
  async create(@Caller() call: Call): Promise<Answer> {
    const { verifierKey } = await call.body(CreateWitness);
    const { name, keyId } = witnessKey(verifierKey);
    const actor = callingActor(call, await this.people.actor(call));
    const id = v7();
    return this.idempotency.run(call, async (tx) => {
      const [witness] = await insertWitness(tx, call.workspaceId, { id, name, verifierKey });
      if (!witness) throw new Problem('uniqueness', 'A witness with this key is registered already.');
      await this.log.append(tx, [
        factOfCall(call, actor, {
          type: 'witness.added',
          content: { witnessId: id, keyId: keyId.toString('hex') },
        }),
      ]);
      return created(`/v1/audit/log/witnesses/${id}`, view(witness));
    });
  }

  @Get('witnesses')
  @Operation({
    scope: 'audit:read',
    summary: 'The witnesses, newest first',
    query: PageQuery,
    answers: { 200: { description: 'A page', schema: pageSchema(witnessSchema) } },
  })
  async list(@Caller() call: Call): Promise<Answer> {
    const { cursor, limit } = call.query(PageQuery);
    const before = decodeCursor('witnesses', cursor, idPosition);
    const rows = await this.database.read(call.workspaceId, (sql) =>
      listWitnesses(sql, call.workspaceId, before, limit),
    );
    return ok(pageOf('witnesses', rows, limit, ({ id }) => id, view));
  }

  @Delete('witnesses/:id')
  @PathId('id', 'id of the witness')
  @Operation({
    scope: 'admin',
    trail: 'witness.removed',
    summary: 'Removes a witness; its cosignatures go with it',
    answers: { 204: { description: 'Removed' } },
  })
  async remove(@Caller() call: Call): Promise<Answer> {
    const id = call.id('witness');
    const actor = callingActor(call, await this.people.actor(call));
    return this.unitOfWork([call.workspaceId], async (tx) => {
      const [witness] = await deleteWitness(tx, call.workspaceId, id);
      if (!witness) throw Problem.notFound('witness');
      await this.log.append(tx, [
        factOfCall(call, actor, {
          type: 'witness.removed',
          content: {
            witnessId: id,
            keyId: witnessKey(witness.verifierKey).keyId.toString('hex'),
          },
        }),
      ]);
      return noContent();
    });
  }

  /** Whoever may read the log may hand these in: a cosignature is believed for its signature, not for who brings it. */
  @Post('cosignatures')
  @Operation({
    scope: 'audit:read',
    trail: 'none: an entry would make another checkpoint to be signed, and so on for ever',
    summary:
      'Takes what witnesses have answered (C2SP tlog-witness): a checkpoint of this log with their lines below',
    body: { mediaTypes: { [mediaType]: { type: 'string' } } },
    answers: { 201: { ...note, description: 'The checkpoint with all its cosignatures' } },
  })
  async cosign(@Caller() call: Call): Promise<Answer> {
    if (call.mediaType() !== mediaType)
      throw new Problem('unsupported_media_type', `The body must be ${mediaType}.`);
    const given = await call.text();
    return this.idempotency.run(call, async (tx) => {
      const head = await this.log.head(tx, call.workspaceId);
      const logKey = this.log.verifierKey(call.workspaceId, head);
      const witnesses = await holdWitnesses(tx, call.workspaceId);
      const { checkpoint, note: own, cosignatures } = readCosignatures(given, logKey, witnesses, new Date());
      await refuseOther(tx, call.workspaceId, checkpoint);
      await storeCosignatures(tx, call.workspaceId, { ...checkpoint, checkpoint: own }, cosignatures);
      const whole = await this.log.cosigned(tx, call.workspaceId, own, checkpoint.size);
      return { ...content(text, whole, { location: '/v1/audit/log/cosigned-checkpoint' }), status: 201 };
    });
  }

  @Get('cosigned-checkpoint')
  @Operation({
    scope: 'audit:read',
    summary: 'The newest checkpoint that witnesses have signed, with their lines',
    query: CosignedQuery,
    answers: { 200: note },
  })
  async cosignedCheckpoint(@Caller() call: Call): Promise<Answer> {
    const { witnesses, witness } = call.query(CosignedQuery);
    if (witnesses !== undefined && witness !== undefined)
      throw Problem.invalid([
        { pointer: '/query/witness', message: 'Witness may not be given together with witnesses.' },
      ]);
    const found = await this.database.read(call.workspaceId, async (sql) => {
      const size = await (witness === undefined
        ? newestSignedBy(sql, call.workspaceId, witnesses ?? 1)
        : newestSignedWith(sql, call.workspaceId, witness));
      return size === null ? null : cosignedNote(sql, call.workspaceId, size);
    });
    if (found === null)
      throw Problem.notFound(
        witness === undefined
          ? `checkpoint: none has cosignatures of ${witnesses ?? 1} or more witnesses`
          : `checkpoint: none has a cosignature of the witness ${witness}`,
      );
    return content(text, found, { 'cache-control': 'no-cache' });
  }
}

const witnessKey = (verifierKey: string) => {
  try {
    const key = parseVerifierKey(verifierKey);
    if (key.algorithm === COSIGNATURE_V1) return key;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
  throw Problem.invalid([
    {
      pointer: '/verifierKey',
      message:
        'VerifierKey must be a verifier key of type 0x04, Ed25519 cosignatures (C2SP tlog-cosignature).',
    },
  ]);
};

/** Signed by our key and yet not our tree: that must not be kept as if it were. */
const refuseOther = async (
  sql: Sql,
  workspaceId: string,
  { size, root }: { size: bigint; root: Buffer },
): Promise<void> => {
  const log = await readSize(sql, workspaceId);
  const [own] = size <= log.size ? await readPlanned(sql, workspaceId, log, [planOfRoot(size)]) : [];
  if (!own?.equals(root))
    throw Problem.invalid([
      { pointer: '', message: `This log has no tree of ${size} entries with this root.` },
    ]);
};
