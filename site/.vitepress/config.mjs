import { slug } from "github-slugger";
import { BASE, REPOSITORY, SOURCES, VERSION } from "../../scripts/site/config.mjs";
import { repositoryLinks } from "../../scripts/site/links.mjs";
import { pages, sidebar } from "../../scripts/site/pages.mjs";

const all = pages();

export default {
  title: "Tabsense",
  description: "Text classification inside a browser tab. No server, and no text leaves the page.",
  lang: "en",
  base: BASE,
  srcDir: SOURCES,
  cacheDir: "../../target/site-cache",
  head: [["link", { rel: "icon", href: `${BASE}favicon.svg` }]],
  // The demo page is put next to the pages after the build; scripts/site/check.mjs checks links to it, too.
  ignoreDeadLinks: [/^\/demo\//],
  markdown: {
    // Anchors as code hosts make them, so that links work in both places.
    anchor: { slugify: slug },
    languageAlias: { jsonl: "json" },
    config: (markdown) => repositoryLinks(markdown, REPOSITORY),
  },
  themeConfig: {
    nav: [
      { text: "Introduction", link: "/introduction" },
      { text: "API", link: "/api" },
      { text: "Recipes", link: "/recipes/" },
      { text: "Demo", link: "/demo/", target: "_self" },
      { text: VERSION, link: "/project/changelog" },
    ],
    sidebar: sidebar(all),
    outline: [2, 3],
    search: { provider: "local" },
    ...(REPOSITORY && { socialLinks: [{ icon: "github", link: REPOSITORY }] }),
  },
};
