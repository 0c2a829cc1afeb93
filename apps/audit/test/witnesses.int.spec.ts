import {
  cosign,
  COSIGNATURE_V1,
  newSigningSeed,
  openCosignature,
  parseVerifierKey,
  readNote,
  signingKeyFromSeed,
  verifierKey,
} from '@countersign/merkle-log';
import { roleOf, type Sql } from '@countersign/persistence';
import { pagesRead, type TestService } from '@countersign/service-kit/test';
import { Client } from 'pg';
import { v7 } from 'uuid';
import { newestSignedBy, newestSignedWith } from '../src/witnesses/witness.rows';
import { appendMany } from './append-facts';
import { createAudit } from './create-audit';

let service: TestService;
beforeAll(async () => {
  service = await createAudit();
}, 60_000);
afterAll(() => service.stop(), 30_000);

const witnessOf = (name: string) => {
  const { privateKey, publicKey } = signingKeyFromSeed(newSigningSeed());
  const key = verifierKey(name, publicKey, COSIGNATURE_V1);
  return {
    key,
    /** What a witness answers to add-checkpoint. */
    answer: (checkpoint: string, at = Math.floor(Date.now() / 1_000)) =>
      cosign(readNote(checkpoint).body, name, privateKey, at),
    signed: (note: string) => {
      const { body, signatures } = readNote(note);
      return signatures
        .map((signature) => openCosignature(body, signature, parseVerifierKey(key)))
        .find(Boolean);
    },
  };
};

const inLog = (workspace: string) => ({
  get: (path: string) => service.get(`/v1/audit/log/${path}`, { workspace }),
  register: (key: string) =>
    service.call('POST', '/v1/audit/log/witnesses', { verifierKey: key }, { workspace }),
  send: (note: string, headers: Record<string, string> = {}) =>
    service.call('POST', '/v1/audit/log/cosignatures', note, {
      workspace,
      scopes: ['audit:read'],
      headers: { 'content-type': 'text/plain', ...headers },
    }),
});

describe('a cosignature', () => {
  it('is checked, kept once, and shown below the checkpoint that it is of', async () => {
    const workspace = v7();
    const { get, register, send } = inLog(workspace);
    const [one, two] = [witnessOf('witness.example/w1'), witnessOf('witness.example/w2')];
    for (const { key } of [one, two]) expect((await register(key)).status).toBe(201);
    const checkpoint = (await get('checkpoint')).text;
    expect((await get('cosigned-checkpoint')).status).toBe(404);
    const line = one.answer(checkpoint);
    for (let times = 0; times < 2; times++) {
      const { status, text } = await send(checkpoint + line);
      expect([status, text]).toEqual([201, checkpoint + line]);
    }
    expect((await get('checkpoint')).text).toBe(checkpoint + line);
    expect((await get('cosigned-checkpoint')).text).toBe(checkpoint + line);
    expect((await get('cosigned-checkpoint?witnesses=2')).status).toBe(404);
    const second = two.answer(checkpoint);
    expect((await send(checkpoint + second)).text).toBe(checkpoint + line + second);
    expect((await get('cosigned-checkpoint?witnesses=2')).text).toBe(checkpoint + line + second);
    const rows = await service.sql('SELECT 1 FROM cosignature WHERE workspace_id = $1', [workspace]);
    expect(rows).toHaveLength(2);
  });

  it('of an older checkpoint is taken while the log goes on, and stays to be had', async () => {
    const workspace = v7();
    const { get, register, send } = inLog(workspace);
    const witness = witnessOf('w');
    await register(witness.key);
    await appendMany(service, workspace, 5);
    const older = (await get('checkpoint')).text;
    await appendMany(service, workspace, 3);
    const newer = (await get('checkpoint')).text;
    await appendMany(service, workspace, 3);
    const [first, second] = [older + witness.answer(older), newer + witness.answer(newer)];
    expect((await send(second)).status).toBe(201);
    expect((await send(first)).status).toBe(201);
    expect((await get('cosigned-checkpoint')).text).toBe(second);
    expect((await get('checkpoint')).text).not.toContain('— w ');
    // The same witness once more, later: the newer one counts, whatever order they come in.
    const later = newer + witness.answer(newer, Math.floor(Date.now() / 1_000) + 60);
    expect((await send(later)).text).toBe(later);
    expect((await send(second)).text).toBe(later);
  });

  it('is refused when it is wrong in any way', async () => {
    const workspace = v7();
    const { get, register, send } = inLog(workspace);
    const [witness, stranger] = [witnessOf('w'), witnessOf('stranger')];
    await register(witness.key);
    await appendMany(service, workspace, 3);
    const checkpoint = (await get('checkpoint')).text;
    const line = witness.answer(checkpoint);
    const other = (await inLog(v7()).get('checkpoint')).text;
    const flipped = line.replace(
      /(.{10})(.)(.{8})$/m,
      (_, a: string, b: string, c: string) => `${a}${b === 'A' ? 'B' : 'A'}${c}`,
    );
    for (const [why, note] of [
      ['no signature of a witness', checkpoint],
      ['a stranger', checkpoint + stranger.answer(checkpoint)],
      ['a changed signature', checkpoint + flipped],
      ['a cosignature of another text', checkpoint + witness.answer(other)],
      ['the checkpoint of another log', other + witness.answer(other)],
      ['a line alone', line],
      ['a changed size', checkpoint.replace('\n4\n', '\n5\n') + line],
      ['no note', 'hello'],
      ['nothing', ''],
    ] as const) {
      const { status, body } = await send(note);
      expect([why, status, body.code]).toEqual([why, 400, 'validation_failed']);
    }
    expect((await send(checkpoint + line, { 'content-type': 'application/json' })).status).toBe(415);
    expect((await get('checkpoint')).text).toBe(checkpoint);
    expect((await send(checkpoint + stranger.answer(checkpoint) + line)).text).toBe(checkpoint + line);
  });

  it('from the future is refused with how far ahead it is', async () => {
    const { get, register, send } = inLog(v7());
    const witness = witnessOf('w');
    await register(witness.key);
    const checkpoint = (await get('checkpoint')).text;
    const ahead = (seconds: number) =>
      checkpoint + witness.answer(checkpoint, Math.floor(Date.now() / 1_000) + seconds);
    const { status, body } = await send(ahead(3_600));
    expect([status, body.code, body.errors[0].message]).toEqual([
      400,
      'validation_failed',
      expect.stringMatching(
        /^A cosignature from the future is not taken: w is 3\d{3} s ahead of this clock, and 300 s are tolerated\.$/,
      ),
    ]);
    expect((await send(ahead(240))).status).toBe(201);
  });

  it('can be asked for by its witness, and by how many have signed, whoever is removed', async () => {
    const workspace = v7();
    const { get, register, send } = inLog(workspace);
    const [one, two] = [witnessOf('w1'), witnessOf('w2')];
    const { body: first } = await register(one.key);
    await register(two.key);
    const idOf = ({ key }: typeof one) => key.split('+')[1];
    const signedBy = async (...witnesses: (typeof one)[]) => {
      await appendMany(service, workspace, 1);
      const checkpoint = (await get('checkpoint')).text;
      const notes = witnesses.map((witness) => send(checkpoint + witness.answer(checkpoint)));
      for (const { status } of await Promise.all(notes)) expect(status).toBe(201);
      return readNote(checkpoint).body;
    };
    const newest = async (query: string) => {
      const { status, text } = await get(`cosigned-checkpoint${query}`);
      return status === 200 ? readNote(text).body : status;
    };
    expect(await newest(`?witness=${idOf(one)}`)).toBe(404);
    const both = await signedBy(one, two);
    const ofOne = await signedBy(one);
    const ofTwo = await signedBy(two);
    expect(await newest('')).toBe(ofTwo);
    expect(await newest(`?witness=${idOf(one)}`)).toBe(ofOne);
    expect(await newest(`?witness=${idOf(two)}`)).toBe(ofTwo);
    expect(await newest('?witnesses=2')).toBe(both);
    expect(await newest('?witnesses=3')).toBe(404);
    expect(await newest('?witness=00000000')).toBe(404);
    for (const query of ['?witness=w1', `?witness=${idOf(one)}&witnesses=1`])
      expect(await newest(query)).toBe(400);
    const path = `/v1/audit/log/witnesses/${first.id}`;
    expect((await service.call('DELETE', path, undefined, { workspace })).status).toBe(204);
    expect(await newest('?witnesses=2')).toBe(404);
    expect(await newest(`?witness=${idOf(one)}`)).toBe(404);
    expect(await newest('')).toBe(ofTwo);
  });

  it('is found without reading what fewer witnesses have signed', async () => {
    const workspaceId = v7();
    const ids = [v7(), v7(), v7()];
    await service.sql(
      `INSERT INTO witness (workspace_id, id, name, verifier_key)
       SELECT $1, id, 'w' || n, format('w%s+0000000%s+x', n, n) FROM unnest($2::uuid[]) WITH ORDINALITY AS w (id, n)`,
      [workspaceId, ids],
    );
    await service.sql(
      `INSERT INTO cosigned_checkpoint (workspace_id, size, root, checkpoint, witnesses)
       SELECT $1, size, '\\x00', 'note ', CASE size WHEN 5 THEN 2 ELSE 1 END FROM generate_series(1, 30000) AS size`,
      [workspaceId],
    );
    await service.sql(
      `INSERT INTO cosignature (workspace_id, size, witness_id, signed_at, line)
       SELECT $1, size, ($2::uuid[])[CASE WHEN size < 100 THEN 1 ELSE 2 END], 0, 'line' FROM generate_series(1, 30000) AS size`,
      [workspaceId, ids],
    );
    for (const table of ['witness', 'cosigned_checkpoint', 'cosignature'])
      await service.sql(`ANALYZE ${table}`);
    const owner = new Client({ connectionString: service.ownerUrl, options: '-c search_path=audit' });
    await owner.connect();
    try {
      let pages = 0;
      const counting = {
        query: async (text: string, values: unknown[]) => {
          pages = await pagesRead(owner, { role: roleOf('audit', 'app'), workspaceId }, text, values);
          return service.sql(text, values);
        },
      } as unknown as Sql;
      for (const [size, find] of [
        [30_000n, () => newestSignedBy(counting, workspaceId, 1)],
        [5n, () => newestSignedBy(counting, workspaceId, 2)],
        [null, () => newestSignedBy(counting, workspaceId, 3)],
        [null, () => newestSignedBy(counting, workspaceId, 4)],
        [99n, () => newestSignedWith(counting, workspaceId, '00000001')],
        [30_000n, () => newestSignedWith(counting, workspaceId, '00000002')],
        [null, () => newestSignedWith(counting, workspaceId, '00000003')],
      ] as const) {
        expect(await find()).toBe(size);
        expect(pages).toBeGreaterThan(0);
        expect(pages).toBeLessThan(30);
      }
    } finally {
      await owner.end();
    }
  });

  it('of a tree that this log never had is refused, even under the key of the log', async () => {
    const workspace = v7();
    const { get, register, send } = inLog(workspace);
    const witness = witnessOf('w');
    await register(witness.key);
    await appendMany(service, workspace, 3);
    // Taken from a copy in which the log went another way.
    const before = await service.sql('SELECT * FROM log_head WHERE workspace_id = $1', [workspace]);
    await appendMany(service, workspace, 2);
    const forked = (await get('checkpoint')).text;
    await service.sql('DELETE FROM entry WHERE workspace_id = $1 AND index >= 4', [workspace]);
    await service.sql('UPDATE log_head SET frontier = $2, checkpoint = $3 WHERE workspace_id = $1', [
      workspace,
      before[0]!.frontier,
      before[0]!.checkpoint,
    ]);
    expect((await send(forked + witness.answer(forked))).body.code).toBe('validation_failed');
    await appendMany(service, workspace, 2);
    const { body } = await send(forked + witness.answer(forked));
    expect(body.errors[0].message).toBe('This log has no tree of 6 entries with this root.');
  });
});

describe('witnesses', () => {
  it('are registered and removed by an admin, and both stand in the log', async () => {
    const workspace = v7();
    const { get, register, send } = inLog(workspace);
    const witness = witnessOf('witness.example/w1');
    const { status, body, headers } = await register(witness.key);
    expect([status, body]).toEqual([
      201,
      {
        id: expect.any(String),
        name: 'witness.example/w1',
        verifierKey: witness.key,
        createdAt: expect.any(String),
      },
    ]);
    expect(headers.get('location')).toBe(`/v1/audit/log/witnesses/${body.id}`);
    expect((await register(witness.key)).body.code).toBe('uniqueness');
    expect((await get('witnesses')).body.data).toEqual([body]);
    const checkpoint = (await get('checkpoint')).text;
    await send(checkpoint + witness.answer(checkpoint));
    const path = `/v1/audit/log/witnesses/${body.id}`;
    expect(
      (await service.call('DELETE', path, undefined, { workspace, scopes: ['audit:read'] })).status,
    ).toBe(403);
    expect((await service.call('DELETE', path, undefined, { workspace: v7() })).status).toBe(404);
    expect((await service.call('DELETE', path, undefined, { workspace })).status).toBe(204);
    expect((await get('witnesses')).body.data).toEqual([]);
    expect((await get('cosigned-checkpoint')).status).toBe(404);
    const entries = (await service.get('/v1/audit/entries', { workspace })).body.data;
    expect(entries.map(({ type }: { type: string }) => type)).toEqual(['witness.added', 'witness.removed']);
    expect(entries[0].content).toEqual({
      actor: { type: 'service', id: expect.any(String), via: null },
      witnessId: body.id,
      keyId: witness.key.split('+')[1],
      traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
      scheme: null,
    });
  });

  it('need a key that cosigns', async () => {
    const { register } = inLog(v7());
    const { publicKey } = signingKeyFromSeed(newSigningSeed());
    for (const key of ['', 'w', verifierKey('w', publicKey), witnessOf('w').key.slice(0, -4)])
      expect((await register(key)).body.code).toBe('validation_failed');
    const reader = await service.call('POST', '/v1/audit/log/witnesses', {}, { scopes: ['audit:read'] });
    expect([reader.status, reader.body.code]).toEqual([403, 'insufficient_scope']);
  });
});
