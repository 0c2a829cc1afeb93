import { Database } from '@countersign/persistence';
import {
  allowWorkflows,
  Caller,
  content,
  decodeCursor,
  idPosition,
  ok,
  Operation,
  pageOf,
  PageQuery,
  pageSchema,
  Problem,
  type Answer,
  type Call,
} from '@countersign/service-kit';
import { Controller, Get } from '@nestjs/common';
import { mailView, type MailRow } from './captured-mail';
import { capturedMailPage, pageHeaders } from './captured-mail.page';
import { DecisionTokens } from './decision-tokens';
import { MailSettings } from './mail.settings';

const list = 'captured-mail';
const onPage = 100;

const text = { type: 'string' };
const mailSchema = {
  type: 'object',
  properties: {
    id: text,
    to: { type: ['string', 'null'] },
    subject: text,
    text,
    html: text,
    messageId: text,
    references: { type: ['string', 'null'], description: 'The thread that it belongs to.' },
    state: text,
    createdAt: { ...text, format: 'date-time' },
  },
};

/** The mails of the own workspace, where there is no mail server to send them. */
@Controller('dev')
export class CapturedMailController {
  constructor(
    private readonly database: Database,
    private readonly settings: MailSettings,
    private readonly tokens: DecisionTokens,
  ) {}

  @Get('mail.json')
  @Operation({
    scope: 'admin',
    summary: 'Lists the mails that were kept because no SMTP server is configured, newest first.',
    query: PageQuery,
    answers: {
      200: {
        description: 'A page of mails.',
        schema: pageSchema(mailSchema),
      },
    },
  })
  async list(@Caller() call: Call): Promise<Answer> {
    this.refuse(call);
    const { limit, cursor } = call.query(PageQuery);
    const rows = await this.newest(call.workspaceId, decodeCursor(list, cursor, idPosition), limit + 1);
    return ok(
      pageOf(
        list,
        rows,
        limit,
        ({ id }) => id,
        (row) => mailView(row, this.tokens, this.settings.domain),
      ),
    );
  }

  @Get('mail')
  @Operation({
    scope: 'admin',
    summary: 'Shows the newest of these mails as a page.',
    answers: { 200: { description: 'The page.', mediaType: 'text/html', schema: { type: 'string' } } },
  })
  async page(@Caller() call: Call): Promise<Answer> {
    this.refuse(call);
    const rows = await this.newest(call.workspaceId, null, onPage);
    return content(
      'text/html; charset=utf-8',
      capturedMailPage(
        call.identity.workspace.name,
        rows.map((row) => mailView(row, this.tokens, this.settings.domain)),
      ),
      pageHeaders,
    );
  }

  private refuse(call: Call): void {
    if (this.settings.smtpUrl !== null) throw Problem.notFound('page: mails are sent');
    allowWorkflows(call, null, 'The captured mail');
  }

  private async newest(workspaceId: string, before: string | null, limit: number): Promise<MailRow[]> {
    return this.database.read(workspaceId, (sql) =>
      sql.query<MailRow>(
        `SELECT id, recipient, subject, text_body, html_body, person_id, workspace_id, request_id, links, state, created_at FROM mail
          WHERE workspace_id = $1 AND state <> 'standby' AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3`,
        [workspaceId, before, limit],
      ),
    );
  }
}
