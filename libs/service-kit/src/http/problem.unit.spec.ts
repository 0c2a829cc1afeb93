import { HttpException } from '@nestjs/common';
import { Problem, renderProblem } from './problem';
import { problemOf } from './problem.filter';

describe('a problem', () => {
  it('is RFC 9457 with code, trace id and all violations', () => {
    const rendered = renderProblem(
      Problem.invalid([{ pointer: '/title', message: 'Must be text.' }]),
      '/v1/requests',
      'abc',
    );
    expect(rendered.status).toBe(400);
    expect(rendered.headers['content-type']).toMatch('application/problem+json');
    expect(JSON.parse(rendered.body)).toEqual({
      type: 'urn:countersign:problem:validation_failed',
      title: 'The call does not fit the API',
      status: 400,
      detail: 'The call has 1 error.',
      code: 'validation_failed',
      traceId: 'abc',
      errors: [{ pointer: '/title', message: 'Must be text.' }],
    });
  });

  it('is a SCIM error below /scim/v2', () => {
    const rendered = renderProblem(
      new Problem('not_found', 'There is no such user.'),
      '/scim/v2/Users/x',
      null,
    );
    expect(rendered.headers['content-type']).toMatch('application/scim+json');
    expect(JSON.parse(rendered.body)).toEqual({
      schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
      status: '404',
      detail: 'There is no such user.',
    });
  });

  it('says nothing of errors that are ours', () => {
    expect(problemOf(new Error('password is hunter2'))).toMatchObject({
      code: 'internal_error',
      status: 500,
    });
    expect(problemOf(new Error('password is hunter2')).detail).not.toMatch('hunter2');
  });

  it('tells a caller to try again when a server of ours is away', () => {
    expect(problemOf(Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }))).toMatchObject({
      code: 'unavailable',
      status: 503,
    });
  });

  it.each([
    ['an unknown path', new HttpException('Cannot GET /x', 404)],
    ['a path that cannot be decoded', new URIError('URI malformed')],
  ])('is 404 for %s', (_what, error) => {
    expect(problemOf(error).status).toBe(404);
  });
});
