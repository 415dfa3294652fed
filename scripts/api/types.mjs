// Types as TypeScript writes them, from the JSON of typedoc.

/** Objects with more members than this are `{ … }` within another type: their members are listed below it. */
const INLINE = 4;

/** The prefix that the bases of exported classes have before the classes' names. */
const LOADED = /^Loaded(?!Model)/;

/** The source text of a type. */
export function typeText(type) {
  const write = WRITERS[type.type];
  if (!write) throw new Error(`scripts/api/types.mjs can't write a type of the kind ${type.type}.`);
  return write(type);
}

/** `(text: Text, options?: ClassifyOptions)`: a signature's type parameters and parameters. */
export function parametersText({ typeParameters = [], parameters = [] }) {
  const generics = typeParameters.map(
    ({ name, type }) => `${name}${type ? ` extends ${typeText(type)}` : ""}`,
  );
  const names = parameters.map(({ name, flags, type, defaultValue }) => {
    const optional = flags.isOptional || defaultValue !== undefined;
    return `${flags.isRest ? "..." : ""}${name}${optional ? "?" : ""}: ${typeText(type)}`;
  });
  return `${generics.length > 0 ? `<${generics.join(", ")}>` : ""}(${names.join(", ")})`;
}

/** The members of an object type's declaration, index signatures last. */
export function membersOf({ children = [], indexSignatures = [] }) {
  const indexes = indexSignatures.map(({ parameters: [key], type, comment, flags }) => ({
    name: `[${key.name}: ${typeText(key.type)}]`,
    type,
    comment,
    flags,
  }));
  return [...children, ...indexes];
}

const WRITERS = {
  intrinsic: ({ name }) => name,
  literal: ({ value }) => JSON.stringify(value),
  reference: ({ name, package: from, target, typeArguments = [] }) => {
    // `WebAssembly.Module`, not `Module`.
    const full = from === "typescript" ? target.qualifiedName : name.replace(LOADED, "");
    const written = typeArguments.map(typeText).filter((argument) => argument !== "ArrayBufferLike");
    return written.length > 0 ? `${full}<${written.join(", ")}>` : full;
  },
  array: ({ elementType }) => `${within(elementType)}[]`,
  union: ({ types }) => types.map((type) => within(type, ["reflection"])).join(" | "),
  intersection: ({ types }) =>
    types
      .filter((type) => !isMarker(type))
      .map((type) => within(type))
      .join(" & "),
  tuple: ({ elements = [] }) => `[${elements.map(typeText).join(", ")}]`,
  namedTupleMember: ({ name, isOptional, element }) =>
    `${name}${isOptional ? "?" : ""}: ${typeText(element)}`,
  typeOperator: ({ operator, target }) => `${operator} ${typeText(target)}`,
  templateLiteral: ({ head, tail }) =>
    `\`${head}${tail.map(([type, text]) => `\${${typeText(type)}}${text}`).join("")}\``,
  indexedAccess: ({ objectType, indexType }) => `${typeText(objectType)}[${typeText(indexType)}]`,
  conditional: ({ checkType, extendsType, trueType, falseType }) =>
    `${typeText(checkType)} extends ${typeText(extendsType)} ? ${typeText(trueType)} : ${typeText(falseType)}`,
  inferred: ({ name }) => `infer ${name}`,
  query: ({ queryType }) => `typeof ${typeText(queryType)}`,
  reflection: ({ declaration }) => objectText(declaration),
};

/** `{ details?: false }`: it distinguishes overloads for a compiler, and says nothing to a reader. */
function isMarker({ type, declaration }) {
  const [only, ...others] = type === "reflection" ? membersOf(declaration) : [];
  return only?.flags.isOptional && only.type?.value === false && others.length === 0;
}

/** A type within another, in parentheses if it would be misread without them. */
function within(type, bare = []) {
  const isFunction = type.type === "reflection" && type.declaration.signatures;
  const composed = ["union", "intersection", "typeOperator"].includes(type.type) && !bare.includes(type.type);
  return isFunction || composed ? `(${typeText(type)})` : typeText(type);
}

function objectText(declaration) {
  const { signatures } = declaration;
  if (signatures) return `${parametersText(signatures[0])} => ${typeText(signatures[0].type)}`;
  const members = membersOf(declaration);
  if (members.length > INLINE) return "{ … }";
  const texts = members.map(
    ({ name, flags, type }) => `${name}${flags.isOptional ? "?" : ""}: ${typeText(type)}`,
  );
  return `{ ${texts.join("; ")} }`;
}
