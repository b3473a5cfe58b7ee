// The cache: how full it is, what it did, and how to be rid of it.

import { cacheStats, clearCache } from "../../api/operations.js";
import { html } from "../../html.js";
import { useAsked } from "../../state/asked.js";
import { confirmed } from "../../state/questions.js";
import { refused } from "../../state/session.js";
import { fail, tell } from "../../state/toasts.js";
import { count, short } from "../../text/numbers.js";
import { State } from "./card.js";

export function Cache() {
  const asked = useAsked(cacheStats, "cache");
  const clear = async (event) => {
    event.preventDefault();
    const given = Object.fromEntries([...new FormData(event.currentTarget)].map(([name, value]) => [name, value.trim()]).filter(([, value]) => value));
    const named = Object.entries(given).map(([name, value]) => `${name} “${value}”`).join(", ");
    if (!(await confirmed("Clear the cache?", named ? `All entries of ${named} are deleted.` : "All entries are deleted, of every tenant.", "Clear"))) return;
    try {
      const { deleted } = await clearCache(named ? given : { all: "true" });
      tell(`${count(deleted, "entry").replace("entrys", "entries")} deleted.`);
      asked.again();
    } catch (error) {
      if (!(await refused(error))) fail(error);
    }
  };
  const { data } = asked;
  return html`<${State} asked=${asked} without="This server has no cache." />
    ${data && html`<dl class="totals"><div><dt>Store</dt><dd>${data.store}</dd></div><div><dt>Entries</dt><dd>${short(data.entries)}</dd></div><div><dt>Size</dt><dd>${size(data.bytes)}</dd></div></dl>
      <section aria-labelledby="figures-title"><h2 id="figures-title">Since this process began</h2>
        <div class="scroll" role="region" aria-label="Figures of the cache" tabindex="0"><table>
          <thead><tr><th scope="col">Figure</th><th scope="col">Value</th></tr></thead>
          <tbody>${Object.entries(data.figures).map(([name, value]) => html`<tr key=${name}><th scope="row">${name.replaceAll("_", " ")}</th><td>${short(value)}</td></tr>`)}</tbody>
        </table></div>
      </section>
      <section aria-labelledby="clear-title"><h2 id="clear-title">Clear</h2>
        <form class="filters" onSubmit=${clear}>
          ${["tenant", "namespace", "model"].map((name) => html`<label key=${name}>${name[0].toUpperCase()}${name.slice(1)}<input name=${name} placeholder="all" autocomplete="off" spellcheck=${false} /></label>`)}
          <button type="submit" class="danger">Clear</button>
        </form>
      </section>`}`;
}

function size(bytes) {
  const units = ["B", "KiB", "MiB", "GiB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${(bytes / 1024 ** power).toFixed(power ? 1 : 0)} ${units[power]}`;
}
