import type { CallOptions, TestService } from '@countersign/service-kit/test';
import { v7 } from 'uuid';
import { createAudit } from './create-audit';
import { fillLog } from './fill-log';
import { storyOf } from './transitions';

jest.setTimeout(60_000);

/** More than what a page looks at. */
const entries = 120_000;
const workspace = v7();
const actor = v7();

let service: TestService;
beforeAll(async () => {
  service = await createAudit();
  await fillLog(service, { workspace, entries });
  const change = (set: string, ...indexes: number[]) =>
    service.sql(`UPDATE entry SET ${set} WHERE workspace_id = $1 AND index = ANY ($2)`, [workspace, indexes]);
  await change(`type = 'rare.fact'`, 7, 15_000, 60_000, 119_500);
  await change(`actor_id = '${actor}'`, 15_000, 60_001, 119_000);
  await change(`workflow_key = 'rare'`, 40, 110_000, 119_999);
  // Recorded long after it happened.
  await change(`at = '2026-01-02T00:00:00.500Z'`, 118_000);
}, 60_000);
afterAll(() => service.stop(), 30_000);

interface Page {
  data: { index: number }[];
  nextCursor: string | null;
}

/** All pages of a filter. */
const pagesOf = async (query: string, options: CallOptions = {}): Promise<Page[]> => {
  const pages: Page[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const { status, body } = await service.get(
      `/v1/audit/entries?limit=3&${query}${cursor && `&cursor=${cursor}`}`,
      { workspace, ...options },
    );
    expect(status).toBe(200);
    pages.push(body);
    cursor = body.nextCursor;
  }
  return pages;
};
/** But for what the self-check says of a log whose hashes are those of no content. */
const indexesOf = (pages: readonly Page[]) =>
  pages.flatMap(({ data }) => data.map(({ index }) => index)).filter((index) => index < entries);
/** When an entry of the filled log happened. */
const at = (index: number) => new Date(Date.parse('2026-01-01Z') + index * 1_000).toISOString();

describe('entries that are few in a long log', () => {
  it.each([
    ['a type', 'type=rare.fact', [7, 15_000, 60_000, 119_500]],
    ['a type that is nowhere', 'type=no.such', []],
    ['an actor', `actor=${actor}`, [15_000, 60_001, 119_000]],
    ['an actor and a type', `actor=${actor}&type=rare.fact`, [15_000]],
    ['an actor and a frequent type', `actor=${actor}&type=task.reminded`, [60_001, 119_000]],
    ['a late period', `from=${at(118_500)}&to=${at(118_504)}`, [118_500, 118_501, 118_502, 118_503]],
    ['an early period', `from=${at(86_400)}&to=${at(86_402)}`, [86_400, 86_401, 118_000]],
    ['a type in a period', `type=rare.fact&from=${at(50_000)}&to=${at(100_000)}`, [60_000]],
    ['what came last', `from=${at(119_998)}`, [119_998, 119_999]],
    ['what came first', `to=${at(2)}`, [0, 1]],
  ])('are found by %s, all of them and each once', async (_what, query, expected) => {
    expect(indexesOf(await pagesOf(query))).toEqual(expected);
  });

  it('are found by their request', async () => {
    const [row] = await service.sql<{ id: string }>(
      'SELECT request_id AS id FROM entry WHERE workspace_id = $1 AND index = 100000',
      [workspace],
    );
    const expected = Array.from({ length: 10 }, (_, n) => 100_000 + n);
    expect(indexesOf(await pagesOf(`requestId=${row?.id}`))).toEqual(expected);
    expect(indexesOf(await pagesOf(`requestId=${row?.id}&type=task.reminded`))).toEqual(expected);
  });

  it('may take pages that are short or empty: none looks through the whole log', async () => {
    const rare = await pagesOf('', { workflows: ['rare'] });
    expect(rare.map(({ data }) => data.length)).toEqual([1, 2]);
    expect(indexesOf(rare)).toEqual([40, 110_000, 119_999]);
    const nothing = await pagesOf('', { workflows: ['none'] });
    expect(nothing.map(({ data }) => data.length)).toEqual([0, 0]);
  });
});

describe('the event feed of a long log', () => {
  it('goes on behind what it has looked through, whether it found something or not', async () => {
    const poll = async (cursor = '') => {
      const { body } = await service.get(`/v1/events?types=request.*${cursor && `&cursor=${cursor}`}`, {
        workspace,
      });
      const [, index] = JSON.parse(Buffer.from(body.nextCursor, 'base64url').toString());
      return { types: body.data.map(({ type }: { type: string }) => type), cursor: body.nextCursor, index };
    };
    const first = await poll();
    const second = await poll(first.cursor);
    expect([first.types, first.index, second.types, Number(second.index) >= entries - 1]).toEqual([
      [],
      '99999',
      [],
      true,
    ]);
    const { messages } = storyOf(workspace);
    await service.send(...messages);
    await service.handled(...messages);
    const third = await poll(second.cursor);
    expect(third.types).toEqual([
      'request.created',
      'request.submitted',
      'request.stage_started',
      'request.rejected',
    ]);
    expect((await poll(third.cursor)).types).toEqual([]);
  });
});
