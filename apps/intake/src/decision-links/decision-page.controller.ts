import { Controller, Get, Inject, Post, Req } from '@nestjs/common';
import { languageOf, tagsOf } from '@countersign/reader';
import {
  CONFIG,
  LOG,
  Operation,
  PathId,
  Problem,
  problemOf,
  readBody,
  type Answer,
  type Log,
  type ServiceConfig,
} from '@countersign/service-kit';
import type { Request } from 'express';
import { readForm } from './decision-form';
import { DecisionLinks, type Stranger } from './decision-links';
import { plainPage } from './decision-page';
import type { PageTexts } from './page-texts';

/** Bytes of a form: a comment of 5,000 characters may be nine times as long when it is sent. */
const formLimit = 64 * 1024;

const page = { description: 'A page for a person', mediaType: 'text/html', schema: { type: 'string' } };

/** Where the links of messages lead. The token in the path is the whole right to decide; it is never logged. */
@Controller('decide')
export class DecisionPageController {
  private readonly origin: string;

  constructor(
    private readonly links: DecisionLinks,
    @Inject(CONFIG) config: ServiceConfig,
    @Inject(LOG) private readonly log: Log,
  ) {
    this.origin = URL.canParse(config.publicUrl) ? new URL(config.publicUrl).origin : '';
  }

  @Get(':token')
  @PathId('token', 'Of the link, as it was sent to the person')
  @Operation({
    scope: 'none',
    summary: 'The page of a decision link: shows the request, changes nothing',
    answers: { 200: page, 403: page, 404: page, 410: page, 503: page },
  })
  show(@Req() request: Request): Promise<Answer> {
    const stranger = strangerOf(request);
    return this.paged(stranger, false, () => this.links.show(request, tokenOf(request), stranger));
  }

  @Post(':token')
  @PathId('token', 'Of the link, as it was sent to the person')
  @Operation({
    scope: 'none',
    trail: 'task.decided',
    summary: 'Decides the task of a decision link, once, as the person that it was made for',
    body: {
      mediaTypes: {
        'application/x-www-form-urlencoded': {
          type: 'object',
          required: ['decision'],
          properties: {
            decision: { type: 'string', enum: ['approve', 'reject', 'return'] },
            comment: { type: 'string', maxLength: 5_000 },
            reasonCode: { type: 'string' },
            seen: { type: 'string', description: 'What the page showed, as its form has it.' },
          },
        },
      },
    },
    answers: {
      303: { description: 'It is decided, or on its way: the page shows it' },
      ...Object.fromEntries([400, 403, 404, 409, 410, 413, 415, 422, 503].map((status) => [status, page])),
    },
  })
  decide(@Req() request: Request): Promise<Answer> {
    const stranger = strangerOf(request);
    const refuse = (status: number, sentence: (texts: PageTexts) => string) =>
      plainPage(status, sentence, { reader: stranger });
    return this.paged(stranger, true, async () => {
      if (!this.isFromHere(request)) return refuse(403, ({ foreign }) => foreign);
      if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(request.headers['content-type'] ?? ''))
        return refuse(415, ({ wrongForm }) => wrongForm);
      const body = await readBody(request, formLimit);
      const form = readForm(body);
      if (!form) return refuse(400, ({ unreadable }) => unreadable);
      const token = tokenOf(request);
      const answer = await this.links.decide(request, token, form, stranger);
      // Relative: whatever stands before /decide on the way here stands there on the way back.
      return (
        answer ?? {
          status: 303,
          headers: { location: `./${token}`, 'cache-control': 'no-store' },
          body: null,
        }
      );
    });
  }

  /** A browser says when another site sends a form; whoever says nothing has the token, and needs no browser. */
  private isFromHere({ headers }: Request): boolean {
    const site = headers['sec-fetch-site'];
    if (site !== undefined) return site === 'same-origin' || site === 'none';
    // Of a page that sends no referrer the origin is "null".
    return headers.origin === undefined || headers.origin === 'null' || headers.origin === this.origin;
  }

  /** Whatever happens is a page. */
  private async paged(stranger: Stranger, isDecision: boolean, work: () => Promise<Answer>): Promise<Answer> {
    try {
      return await work();
    } catch (error) {
      const { code } = problemOf(error);
      if (code === 'unavailable')
        return plainPage(503, (texts) => (isDecision ? texts.uncertain : texts.unavailable), {
          reader: stranger,
        });
      if (code === 'payload_too_large') return plainPage(413, ({ tooMuch }) => tooMuch, { reader: stranger });
      if (error instanceof Problem) return plainPage(400, ({ malformed }) => malformed, { reader: stranger });
      // Without the path, which is the right to decide.
      this.log.error({ err: error }, 'decision page failed');
      return plainPage(500, ({ fault }) => fault, { reader: stranger });
    }
  }
}

const tokenOf = ({ params }: Request): string => (typeof params.token === 'string' ? params.token : '');

const strangerOf = ({ headers }: Request): Stranger => ({
  language:
    tagsOf(headers['accept-language'])
      .map(languageOf)
      .find((one) => one !== null) ?? 'en',
});
