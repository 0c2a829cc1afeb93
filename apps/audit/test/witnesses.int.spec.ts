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
import type { TestService } from '@countersign/service-kit/test';
import { v7 } from 'uuid';
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
      ['a time far ahead', checkpoint + witness.answer(checkpoint, Math.floor(Date.now() / 1_000) + 3_600)],
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
