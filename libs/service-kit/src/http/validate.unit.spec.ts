import { Type } from 'class-transformer';
import { IsInt, IsNotEmpty, IsOptional, IsString, MaxLength, Min, ValidateNested } from 'class-validator';
import { EmptyBody } from './empty-body';
import { Problem } from './problem';
import { validate } from './validate';

class Address {
  @IsString() 'a/b~c': string;
}

class Body {
  @IsString() name: string;
  @IsInt() age: number;
  @ValidateNested() @Type(() => Address) address: Address;
}

class Strict {
  @IsString() @IsNotEmpty() @MaxLength(3) name: string;
  @IsOptional() @IsInt() @Min(1) age?: number;
}

const violations = (value: unknown, base?: string, type: new () => object = Body) => {
  try {
    validate(type, value, base);
  } catch (error) {
    if (error instanceof Problem) return error.extra.errors;
  }
  return [];
};

describe('validation of a body', () => {
  it('names every violation with a pointer from the root', () => {
    expect(violations({ name: 1, age: 'x', address: { 'a/b~c': 2 } })?.map(({ pointer }) => pointer)).toEqual(
      ['/name', '/age', '/address/a~1b~0c'],
    );
  });

  it('refuses members that the contract lacks, also inside', () => {
    expect(
      violations({ name: 'x', age: 1, address: { 'a/b~c': 'y', z: 1 }, extra: true })?.sort((a, b) =>
        a.pointer < b.pointer ? -1 : 1,
      ),
    ).toEqual([
      { pointer: '/address/z', message: 'There is no such member.' },
      { pointer: '/extra', message: 'There is no such member.' },
    ]);
  });

  it.each([null, 7, 'text', [1], []])('refuses what is no object: %j', (value) => {
    expect(violations(value)).toEqual([{ pointer: '', message: 'An object is expected.' }]);
  });

  it('lets nothing into a body without members', () => {
    expect(validate(EmptyBody, {})).toEqual({});
    expect(violations({ 'a/b': 1, constructor: 2 }, '', EmptyBody)).toEqual([
      { pointer: '/constructor', message: 'There is no such member.' },
    ]);
    expect(violations({ 'a/b': 1, c: null }, '', EmptyBody)).toEqual([
      { pointer: '/a~1b', message: 'There is no such member.' },
      { pointer: '/c', message: 'There is no such member.' },
    ]);
  });

  it.each([
    [{}, [{ pointer: '/name', message: 'Name is required.' }]],
    [{ name: 7 }, [{ pointer: '/name', message: 'Name must be a string.' }]],
    [{ name: null }, [{ pointer: '/name', message: 'Name must be a string.' }]],
    [{ name: '' }, [{ pointer: '/name', message: 'Name should not be empty.' }]],
    [
      { name: 'four', age: 'x' },
      [
        { pointer: '/name', message: 'Name must be shorter than or equal to 3 characters.' },
        { pointer: '/age', message: 'Age must be an integer number.' },
      ],
    ],
  ])('says of one member only what is most basic: %j', (value, expected) => {
    expect(violations(value, '', Strict)).toEqual(expected);
  });

  it('points into the query when it checks one', () => {
    expect(violations({}, '/query')?.[0]?.pointer).toBe('/query/name');
  });
});
