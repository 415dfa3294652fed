// Writes what typedoc knows about an export as Markdown: its summary, its signatures, and a list of its
// members.

import { membersOf, parametersText, typeText } from "./types.mjs";

/** typedoc's numbers for kinds of declarations. */
const KIND = {
  variable: 32,
  function: 64,
  class: 128,
  interface: 256,
  constructor: 512,
  method: 2048,
  accessor: 262_144,
  alias: 2_097_152,
};

/**
 * The kinds that exist when a program runs: they have headings of the third level, mere types of the fourth.
 */
const VALUES = [KIND.variable, KIND.function, KIND.class];

/** Types that name what isn't exported, or say to a compiler what the text below says to a reader. */
const UNWRITTEN = / extends |^typeof /;

/**
 * A function from an export's name to its section of the page. `declarations` are typedoc's; `anchorOf(name)`
 * is the anchor of `Class` or `Class.method` on the page, or undefined.
 */
export function referenceOf(declarations, anchorOf) {
  return (name) => {
    const [main, ...merged] = named(declarations, name);
    if (!main) throw new Error(`docs/api.md asks for ${name}, which is not exported.`);
    const level = VALUES.includes(main.kind) ? "###" : "####";
    const parts = [
      ...partsOf(main, anchorOf),
      ...[main, ...merged].flatMap((one) => methodParts(one, anchorOf)),
    ];
    return [`${level} ${name}`, ...parts].join("\n\n");
  };
}

/** The headings of an export's section: its own, and one for each method. */
export function headingsOf(declarations, name) {
  return [
    name,
    ...named(declarations, name)
      .flatMap(methodsOf)
      .map((method) => `${name}.${method.name}`),
  ];
}

/** The declarations of a name: a class first, and no alias of a class with the same name. */
function named(declarations, name) {
  const found = declarations.filter((one) => one.name === name && !one.type?.name?.endsWith(`.${name}`));
  return found.sort((a, b) => (b.kind === KIND.class) - (a.kind === KIND.class));
}

/** The description of a declaration, except for its methods. */
function partsOf(declaration, anchorOf) {
  const { kind, name, comment, type, signatures } = declaration;
  if (kind === KIND.function) return callsOf(name, signatures, anchorOf);
  const parts = proseOf(comment, anchorOf);
  if (kind === KIND.alias && !UNWRITTEN.test(typeText(type))) parts.unshift(code(typeText(type), anchorOf));
  const bases = (declaration.extendedTypes ?? []).filter((base) => anchorOf(base.name));
  if (bases.length > 0)
    parts.push(`All of ${bases.map((base) => code(base.name, anchorOf)).join(" and ")}, and:`);
  if (signatures) parts.push(...callsOf("", signatures, anchorOf));
  const values = ownMembers(declaration).filter((member) => !methodsOf(declaration).includes(member));
  // The type already shows a small object.
  if (kind !== KIND.alias || values.some((value) => value.comment))
    parts.push(values.map((value) => itemOf(value, anchorOf)).join("\n"));
  return parts.filter(Boolean);
}

function methodParts(declaration, anchorOf) {
  const { name, kind } = declaration;
  return methodsOf(declaration).flatMap((method) => {
    const isStatic = method.flags.isStatic || kind !== KIND.class;
    const owner = isStatic ? name : name[0].toLowerCase() + name.slice(1);
    const calls = callsOf(`${owner}.${method.name}`, method.signatures, anchorOf);
    return [`### ${name}.${method.name}`, ...calls];
  });
}

/** The methods of a declaration that exists when a program runs, static ones first. */
function methodsOf(declaration) {
  if (!VALUES.includes(declaration.kind)) return [];
  return ownMembers(declaration)
    .filter(({ kind }) => kind === KIND.method)
    .sort((a, b) => Boolean(b.flags.isStatic) - Boolean(a.flags.isStatic));
}

/**
 * The members that belong on the page: not those of a base that has a section or of `Error`, and no symbols.
 */
function ownMembers(declaration) {
  const { kind, type } = declaration;
  const members = type ? objectsIn(type).flatMap(membersOf) : membersOf(declaration);
  return members.filter(
    (member) =>
      member.kind !== KIND.constructor &&
      !member.flags.isExternal &&
      !(member.kind && member.name.startsWith("[")) &&
      !(kind === KIND.interface && member.inheritedFrom),
  );
}

/** The object types that a type is, is a union of, or makes read-only. */
function objectsIn({ type, types = [], declaration, typeArguments = [], name }) {
  if (type === "reflection") return declaration.signatures ? [] : [declaration];
  if (type === "reference" && name === "Readonly") return typeArguments.flatMap(objectsIn);
  return type === "union" || type === "intersection" ? types.flatMap(objectsIn) : [];
}

/** The calls of a function, and below them their descriptions: overloads often share one. */
function callsOf(name, signatures, anchorOf) {
  const calls = signatures.map((signature) =>
    code(`${name}${parametersText(signature)}: ${typeText(signature.type)}`, (other) =>
      other === name ? undefined : anchorOf(other),
    ),
  );
  const prose = signatures.flatMap(({ comment }) => proseOf(comment, anchorOf));
  return [calls.join("\\\n"), ...new Set(prose)];
}

/**
 * A member of an object: its name and type, its description indented below, and the members of an object that
 * it contains.
 */
function itemOf(member, anchorOf) {
  const { name, flags, getSignature, signatures } = member;
  const type = member.type ?? getSignature?.type;
  const comment = member.comment ?? getSignature?.comment;
  const written = signatures
    ? `${parametersText(signatures[0])} => ${typeText(signatures[0].type)}`
    : typeText(type);
  const tick = name.includes("`") ? "``" : "`";
  const head = `- **${tick}${name}${flags.isOptional ? "?" : ""}${tick}** ${code(written, anchorOf)}`;
  const nested = type
    ? objectsIn(type)
        .flatMap(membersOf)
        .filter((inner) => inner.comment)
    : [];
  const [first = "", ...others] = proseOf(comment ?? signatures?.[0].comment, anchorOf);
  const below = [...others.flatMap((part) => ["", part]), ...nested.map((inner) => itemOf(inner, anchorOf))];
  return [first ? `${head}: ${first}` : head, ...below.map((part) => part && indent(part))].join("\n");
}

const indent = (text) => text.replace(/^(?=.)/gm, "  ");

/** A comment's paragraphs and lists: the summary, then what it throws. */
function proseOf(comment, anchorOf) {
  if (!comment) return [];
  const write = (parts) =>
    parts
      .map((part) => (part.kind === "inline-tag" ? code(part.text, anchorOf) : part.text))
      .join("")
      .trim();
  const throws = (comment.blockTags ?? []).filter(({ tag }) => tag === "@throws");
  return [write(comment.summary), ...throws.map(({ content }) => `Throws ${write(content)}`)]
    .flatMap((text) => text.split(/\n{2,}/))
    .map((text) => text.replace(/\n(?! *- )\s*/g, " "))
    .filter(Boolean);
}

/** Code in which the names of other sections are links. */
function code(text, anchorOf) {
  const names = /"[^"]*"|\b[A-Za-z]\w*(?:\.\w+)?\b/g;
  if (!text.match(names)?.some(anchorOf)) return text.includes("`") ? `\`\` ${text} \`\`` : `\`${text}\``;
  const escaped = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const linked = escaped.replace(names, (name) =>
    anchorOf(name) ? `<a href="#${anchorOf(name)}">${name}</a>` : name,
  );
  return `<code>${linked}</code>`;
}
