/** Markup that a module brings along, as text. */
declare module "*.html?raw" {
  const markup: string;
  export default markup;
}
