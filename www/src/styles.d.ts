/** Style sheets that a module imports: the page's build turns them into files. */
declare module "*.css" {}
