/** Markup that a module imports, as text. */
declare module "*.html?raw" {
  const markup: string;
  export default markup;
}
