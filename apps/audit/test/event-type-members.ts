import path from 'node:path';
import ts from 'typescript';

/** A member of an event as the compiler sees it. */
export interface TypeMember {
  name: string;
  isList: boolean;
  kind: 'text' | 'number' | 'boolean' | 'any';
  /** One of these, when the text is not free. */
  literals: string[];
  /** Null for a bare value, and for an object of unknown members. */
  members: TypeMember[] | null;
}

const eventsFile = path.join(__dirname, '../../../libs/workflow/src/decider/events.ts');

/** Every event type of the decider with its members, read from the source: nobody has to keep a list. */
export const eventTypeMembers = (): Map<string, TypeMember[]> => {
  const program = ts.createProgram([eventsFile], {
    strict: true,
    noEmit: true,
    types: [],
    target: ts.ScriptTarget.ES2022,
  });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(eventsFile);
  const declared = source?.statements.find(
    (statement): statement is ts.InterfaceDeclaration =>
      ts.isInterfaceDeclaration(statement) && statement.name.text === 'EventData',
  );
  if (!declared) throw new Error('events.ts has no EventData');

  const membersOf = (type: ts.Type): TypeMember[] =>
    checker.getPropertiesOfType(type).map((property) => {
      const declaredType = checker.getTypeOfSymbolAtLocation(property, declared);
      let inner = checker.getNonNullableType(declaredType);
      const isList = checker.isArrayType(inner);
      if (isList)
        inner = checker.getNonNullableType(checker.getTypeArguments(inner as ts.TypeReference)[0] ?? inner);
      const parts = inner.isUnion() ? inner.types : [inner];
      const literals = parts.flatMap((part) => (part.isStringLiteral() ? [part.value] : []));
      const isObject =
        (inner.flags & ts.TypeFlags.Object) !== 0 && checker.getPropertiesOfType(inner).length > 0;
      const has = (flag: ts.TypeFlags) => parts.every((part) => (part.flags & flag) !== 0);
      return {
        name: property.name,
        isList,
        kind: has(ts.TypeFlags.StringLike)
          ? 'text'
          : has(ts.TypeFlags.NumberLike)
            ? 'number'
            : has(ts.TypeFlags.BooleanLike)
              ? 'boolean'
              : 'any',
        literals,
        members: isObject ? membersOf(inner) : null,
      };
    });

  return new Map(
    checker
      .getPropertiesOfType(checker.getTypeAtLocation(declared))
      .map((property) => [property.name, membersOf(checker.getTypeOfSymbolAtLocation(property, declared))]),
  );
};
