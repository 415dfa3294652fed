/** Style sheets that a module brings along: the page's build makes files of them. */
declare module "*.css" {}
