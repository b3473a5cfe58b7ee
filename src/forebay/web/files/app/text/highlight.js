// Colours code, once it is whole; the highlighter and its languages are loaded when there is code to colour.

import { pure } from "./markdown.js";

const LANGUAGES = ["bash", "cpp", "diff", "go", "java", "javascript", "json", "python", "rust", "sql", "xml", "yaml"];
const ALIASES = {
  bash: ["sh", "shell", "zsh", "console"],
  cpp: ["c", "h", "cc", "c++"],
  javascript: ["js", "jsx", "mjs", "ts", "tsx", "typescript"],
  json: ["jsonc", "json5"],
  python: ["py", "python3"],
  rust: ["rs"],
  xml: ["html", "svg"],
  yaml: ["yml"],
};
/** Longer code stays as it is: colouring it would hold the page. */
const LONGEST = 60_000;

let loading = null;

/** Colours what code there is below `element`. */
export async function highlightIn(element) {
  const codes = [...element.querySelectorAll('pre > code[class*="language-"]')].filter((code) => !code.firstElementChild);
  if (!codes.length) return;
  const highlighter = await (loading ??= load().catch(() => (loading = null)));
  if (!highlighter) return; // plain code is code, too
  for (const code of codes) colour(highlighter, code);
}

function colour(highlighter, code) {
  const language = /language-(\S+)/.exec(code.className)?.[1].toLowerCase();
  const text = code.textContent;
  if (!code.isConnected || text.length > LONGEST || !highlighter.getLanguage(language)) return;
  code.replaceChildren(pure(highlighter.highlight(text, { language, ignoreIllegals: true }).value));
}

async function load() {
  const [core, ...grammars] = await Promise.all([
    import("../../vendor/highlight/core.js"),
    ...LANGUAGES.map((name) => import(`../../vendor/highlight/${name}.js`)),
  ]);
  const highlighter = core.default.newInstance();
  LANGUAGES.forEach((name, at) => {
    highlighter.registerLanguage(name, grammars[at].default);
    highlighter.registerAliases(ALIASES[name] ?? [], { languageName: name });
  });
  return highlighter;
}
