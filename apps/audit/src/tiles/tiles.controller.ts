import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { Controller, Get } from '@nestjs/common';
import { entryBundle, isWithin, parseTilePath, TILE_WIDTH, type Tile } from '@countersign/merkle-log';
import { Database, type Sql } from '@countersign/persistence';
import { Call, Caller, Operation, Problem, type Answer } from '@countersign/service-kit';
import { leafOf, readStoredEntries } from '../log/stored-entries';
import { readSize } from '../log/stored-head';
import { readHashes, refusePruned } from './tree-hashes';

const compress = promisify(gzip);
const prefix = '/v1/audit/log/';

/** A tile is the same for ever; it is not for everybody. */
const immutable = 'private, max-age=31536000, immutable';

/** The log as C2SP tlog-tiles, below the prefix /v1/audit/log. */
@Controller('v1/audit/log/tile')
export class TilesController {
  constructor(private readonly database: Database) {}

  @Get('entries/*path')
  @Operation({
    scope: 'audit:read',
    summary: 'An entry bundle, entries/<N>[.p/<W>] (C2SP tlog-tiles); not for keys of some workflows only',
    answers: {
      200: {
        description: 'Leaves, each after its length in two bytes, big-endian',
        schema: { type: 'string', format: 'binary' },
        mediaType: 'application/octet-stream',
      },
    },
  })
  async entries(@Caller() call: Call): Promise<Answer> {
    // Leaves of all workflows stand side by side.
    if (call.identity.key.workflows !== null)
      throw new Problem(
        'workflow_not_allowed',
        'A bundle has entries of all workflows, but the key may use some of them only.',
      );
    const tile = tileOf(call);
    const leaves = await this.database.read(call.workspaceId, (sql) =>
      readLeaves(sql, call.workspaceId, tile),
    );
    return zipped(call, entryBundle(leaves));
  }

  @Get(':level/*path')
  @Operation({
    scope: 'audit:read',
    summary: 'A tile of hashes, <L>/<N>[.p/<W>] (C2SP tlog-tiles)',
    answers: {
      200: {
        description: 'Up to 256 hashes of 32 bytes',
        schema: { type: 'string', format: 'binary' },
        mediaType: 'application/octet-stream',
      },
    },
  })
  async hashes(@Caller() call: Call): Promise<Answer> {
    const tile = tileOf(call);
    const hashes = await this.database.read(call.workspaceId, (sql) => readTile(sql, call.workspaceId, tile));
    return octets(Buffer.concat(hashes));
  }
}

/** By the path as it was sent: another spelling of it, such as one with percent signs, is no tile of ours. */
const tileOf = (call: Call): Tile => {
  const tile = parseTilePath(call.path.slice(prefix.length));
  if (!tile) throw Problem.notFound('tile');
  return tile;
};

const readTile = async (sql: Sql, workspaceId: string, tile: Tile): Promise<Buffer[]> => {
  const log = await readSize(sql, workspaceId);
  if (!isWithin(tile, log.size)) throw Problem.notFound('tile in a log of this size');
  const level = tile.level === 'entries' ? 0 : tile.level;
  const from = tile.index * BigInt(TILE_WIDTH);
  const range = { level, from, to: from + BigInt(tile.width) };
  refusePruned([range], log);
  const lookup = await readHashes(sql, workspaceId, [range]);
  return Array.from({ length: tile.width }, (_, n) => lookup(level, from + BigInt(n)));
};

const readLeaves = async (sql: Sql, workspaceId: string, tile: Tile): Promise<Buffer[]> => {
  const log = await readSize(sql, workspaceId);
  if (!isWithin(tile, log.size)) throw Problem.notFound('tile in a log of this size');
  const from = tile.index * BigInt(TILE_WIDTH);
  const to = from + BigInt(tile.width);
  refusePruned([{ level: 0, from, to }], log);
  const stored = await readStoredEntries(sql, workspaceId, from, to);
  if (stored.length !== tile.width)
    throw new Error(`the log of ${workspaceId} lacks entries from ${from} to ${to}`);
  return stored.map(leafOf);
};

const octets = (bytes: Buffer, headers: Record<string, string> = {}): Answer => ({
  status: 200,
  headers: {
    'content-type': 'application/octet-stream',
    'cache-control': immutable,
    'content-length': String(bytes.length),
    ...headers,
  },
  body: null,
  bytes,
});

/** Bundles should be compressed (C2SP tlog-tiles); hashes cannot be. */
const zipped = async (call: Call, bytes: Buffer): Promise<Answer> => {
  const accepts = /(^|,)\s*gzip\s*(;\s*q=(0\.\d*[1-9]|1)[^,]*)?(,|$)/i.test(
    call.header('accept-encoding') ?? '',
  );
  const vary = { vary: 'accept-encoding' };
  return accepts
    ? octets(await compress(bytes), { ...vary, 'content-encoding': 'gzip' })
    : octets(bytes, vary);
};
