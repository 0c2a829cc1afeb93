import { problems, type ProblemCode, type Violation } from '@countersign/contracts';

/** Header fields by name; several values are several fields. */
export type Headers = Record<string, string | string[]>;

/** A refusal that the caller is told about, as RFC 9457 problem+json or, below /scim/v2, as a SCIM error. */
export class Problem extends Error {
  override name = 'Problem';
  readonly status: number;

  constructor(
    readonly code: ProblemCode,
    readonly detail: string,
    readonly extra: { errors?: Violation[]; headers?: Headers; scimType?: string } = {},
  ) {
    super(detail);
    this.status = problems[code].status;
  }

  static notFound(what: string): Problem {
    return new Problem('not_found', `There is no such ${what}.`);
  }

  static invalid(errors: Violation[]): Problem {
    return new Problem(
      'validation_failed',
      `The call has ${errors.length} error${errors.length === 1 ? '' : 's'}.`,
      { errors },
    );
  }
}

export interface RenderedProblem {
  status: number;
  headers: Headers;
  body: string;
}

const scimError = 'urn:ietf:params:scim:api:messages:2.0:Error';

/** The bytes of a problem for a path: SCIM has its own error format (RFC 7644 §3.12). */
export const renderProblem = (problem: Problem, path: string, traceId: string | null): RenderedProblem => {
  const { code, status, detail, extra } = problem;
  if (path.startsWith('/scim/')) {
    const violations = extra.errors?.map(({ pointer, message }) => `${pointer}: ${message}`).join('; ');
    return {
      status,
      headers: { ...extra.headers, 'content-type': 'application/scim+json; charset=utf-8' },
      body: JSON.stringify({
        schemas: [scimError],
        status: String(status),
        ...(extra.scimType ? { scimType: extra.scimType } : {}),
        detail: violations ? `${detail} ${violations}` : detail,
      }),
    };
  }
  return {
    status,
    headers: { ...extra.headers, 'content-type': 'application/problem+json; charset=utf-8' },
    body: JSON.stringify({
      type: `urn:countersign:problem:${code}`,
      title: problems[code].title,
      status,
      detail,
      code,
      traceId,
      ...(extra.errors ? { errors: extra.errors } : {}),
    }),
  };
};
