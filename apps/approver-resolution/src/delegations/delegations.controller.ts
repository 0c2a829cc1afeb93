import { Controller, Delete, Get, Inject, Post } from '@nestjs/common';
import type { UnitOfWork } from '@countersign/messaging';
import { Database, type Sql } from '@countersign/persistence';
import {
  allowWorkflows,
  Call,
  Caller,
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
  recordFact,
  UNIT_OF_WORK,
  type Answer,
} from '@countersign/service-kit';
import { v7 } from 'uuid';
import { refKey } from '../directory/directory-ref';
import { countChange } from '../directory/directory-version';
import { KnownActor } from '../directory/known-actor';
import { matchUsers } from '../directory/match-users';
import { delegationsOf, type Period } from './delegation.rows';
import { CreateDelegation } from './delegation.bodies';
import {
  delegationSchema,
  delegationView,
  deleteDelegation,
  findDelegation,
  insertDelegation,
  listDelegations,
  lockDelegations,
  type StoredDelegation,
} from './delegation.store';
import { DelegationSweeper } from './delegation-sweeper';
import { leadsBack } from './leads-back';

const list = 'delegations';
const idParam = PathId('id', 'Id of the delegation.');

/** Whose tasks somebody else gets for a time. */
@Controller('v1/delegations')
export class DelegationsController {
  constructor(
    private readonly database: Database,
    private readonly idempotency: Idempotency,
    private readonly actor: KnownActor,
    private readonly sweeper: DelegationSweeper,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
  ) {}

  @Post()
  @Operation({
    scope: 'directory:write',
    trail: 'delegation.created',
    summary: 'Gives the tasks of one person to another for a time, of all workflows or some',
    body: CreateDelegation,
    answers: { 201: { description: 'The delegation', schema: delegationSchema } },
  })
  async create(@Caller() call: Call): Promise<Answer> {
    const { workspaceId } = call;
    const body = await call.body(CreateDelegation);
    const { startsAt, endsAt } = periodOf(body);
    const workflows = body.workflows ?? null;
    allowDelegation(call, workflows);
    const { fromId, toId } = await this.database.read(workspaceId, (sql) => peopleOf(sql, workspaceId, body));
    if (fromId === toId) throw cycle('Nobody stands in for themselves.');
    const person = await this.actor.find(call);
    return this.idempotency.run(call, async (tx) => {
      await lockDelegations(tx, workspaceId);
      const terms = { startsAt: startsAt.getTime(), endsAt: endsAt.getTime(), workflows };
      const find = (people: readonly string[], period: Period) => delegationsOf(tx, people, period);
      if (await leadsBack(find, { fromId, toId, ...terms })) {
        throw cycle('Other delegations of the same time lead back to the person whose tasks these are.');
      }
      const id = v7();
      const row = await insertDelegation(tx, workspaceId, {
        id,
        fromId,
        toId,
        startsAt,
        endsAt,
        workflows,
      });
      recordFact(tx, call, person, { type: 'delegation.created', content: contentOf(row) });
      countChange(tx, workspaceId);
      tx.afterCommit(() => this.sweeper.expect(startsAt));
      return created(`/v1/delegations/${id}`, delegationView(row));
    });
  }

  @Get()
  @Operation({
    scope: 'directory:read',
    summary: 'Lists the delegations, newest first, over or not',
    query: PageQuery,
    answers: { 200: { description: 'A page of delegations', schema: pageSchema(delegationSchema) } },
  })
  async list(@Caller() call: Call): Promise<Answer> {
    const { limit, cursor } = call.query(PageQuery);
    const before = decodeCursor(list, cursor, idPosition);
    const rows = await this.database.read(call.workspaceId, (sql) =>
      listDelegations(sql, call, before, limit + 1),
    );
    return ok(pageOf(list, rows, limit, ({ id }) => id, delegationView));
  }

  @Get(':id')
  @idParam
  @Operation({
    scope: 'directory:read',
    summary: 'Shows a delegation',
    answers: { 200: { description: 'The delegation', schema: delegationSchema } },
  })
  async show(@Caller() call: Call): Promise<Answer> {
    const delegation = await this.find(call);
    refuseHidden(call, delegation.workflows);
    return ok(delegationView(delegation));
  }

  @Delete(':id')
  @idParam
  @Operation({
    scope: 'directory:write',
    trail: 'delegation.ended',
    summary: 'Ends a delegation at once and forgets it',
    answers: { 204: { description: 'It is gone; open tasks go back' } },
  })
  async delete(@Caller() call: Call): Promise<Answer> {
    const delegation = await this.find(call);
    const { id, workflows } = delegation;
    allowDelegation(call, workflows);
    const person = await this.actor.find(call);
    return this.unitOfWork([call.workspaceId], async (tx) => {
      await deleteDelegation(tx, id);
      recordFact(tx, call, person, { type: 'delegation.ended', content: contentOf(delegation) });
      countChange(tx, call.workspaceId);
      tx.afterCommit(() => this.sweeper.expect(new Date()));
      return noContent();
    });
  }

  /** Throws Problem not_found. */
  private find(call: Call): Promise<StoredDelegation> {
    const id = call.id('delegation');
    return this.database.read(call.workspaceId, (sql) => findDelegation(sql, id));
  }
}

/** A delegation as the log has it. */
const contentOf = (row: StoredDelegation) => ({
  delegationId: row.id,
  from: row.from.id,
  to: row.to.id,
  startsAt: row.starts_at.toISOString(),
  endsAt: row.ends_at.toISOString(),
  workflows: row.workflows,
});

const allowDelegation = (call: Call, workflows: string[] | null): void =>
  allowWorkflows(call, workflows, 'The delegation');

/** A limited key sees what concerns one of its workflows, as in the list. Throws Problem workflow_not_allowed. */
const refuseHidden = (call: Call, workflows: string[] | null): void => {
  const own = call.identity.key.workflows;
  if (own && workflows?.every((key) => !own.includes(key))) allowDelegation(call, workflows);
};

const cycle = (detail: string): Problem =>
  new Problem('delegation_cycle', detail, { errors: [{ pointer: '/to', message: detail }] });

const periodOf = ({ startsAt, endsAt }: CreateDelegation): { startsAt: Date; endsAt: Date } => {
  const period = { startsAt: new Date(startsAt), endsAt: new Date(endsAt) };
  const bad = Object.entries(period).filter(([, time]) => Number.isNaN(time.getTime()));
  if (bad.length > 0) {
    throw Problem.invalid(bad.map(([name]) => ({ pointer: `/${name}`, message: 'There is no such day.' })));
  }
  if (period.endsAt <= period.startsAt) {
    throw Problem.invalid([{ pointer: '/endsAt', message: 'endsAt must be after startsAt.' }]);
  }
  if (period.endsAt.getTime() <= Date.now()) {
    throw Problem.invalid([{ pointer: '/endsAt', message: 'endsAt must be in the future.' }]);
  }
  return period;
};

/** Throws Problem unknown_reference with everything that is wrong. */
const peopleOf = async (
  sql: Sql,
  workspaceId: string,
  { from, to }: CreateDelegation,
): Promise<{ fromId: string; toId: string }> => {
  const matches = await matchUsers(
    sql,
    [from, to].map((ref) => ({ workspaceId, ref })),
  );
  const personNamed = (ref: string) => {
    const [found, other] = matches.get(refKey({ workspaceId, ref })) ?? [];
    return found && !other ? found : null;
  };
  const [giver, receiver] = [personNamed(from), personNamed(to)];
  if (giver && receiver?.active) return { fromId: giver.id, toId: receiver.id };
  const unknown = 'This names nobody in the directory, or more than one person.';
  const errors = [
    ...(giver ? [] : [{ pointer: '/from', message: unknown }]),
    ...(receiver?.active
      ? []
      : [{ pointer: '/to', message: receiver ? 'This person is not active.' : unknown }]),
  ];
  throw new Problem('unknown_reference', 'Somebody who is named is not known, or not active.', { errors });
};
