// Models and adapters: what can be asked, who cannot answer, and, for admins, which adapters there are.

import { failing, loadAdapter, unloadAdapter } from "../../api/operations.js";
import { listModels } from "../../api/others.js";
import { html, useSignal } from "../../html.js";
import { useAsked } from "../../state/asked.js";
import { confirmed } from "../../state/questions.js";
import { mayRun, refused } from "../../state/session.js";
import { fail, tell } from "../../state/toasts.js";
import { Go, State } from "./card.js";

export function Models() {
  const asked = useAsked(async (stop) => ({ models: await listModels(), failing: await failing(stop) }), "models");
  const unload = async (each) => {
    if (!(await confirmed("Unload this adapter?", `“${each.id}” cannot be asked any more, until it is loaded again.`, "Unload"))) return;
    try {
      await unloadAdapter({ lora_name: each.id, base_model_name: each.parent });
      tell("The adapter was unloaded.");
      asked.again();
    } catch (error) {
      if (!(await refused(error))) fail(error);
    }
  };
  const { data } = asked;
  return html`<${State} asked=${asked} />
    ${data && html`<${Ready} failing=${data.failing} />
      <section aria-labelledby="models-title"><h2 id="models-title">Models and adapters</h2>
        ${data.models.length === 0 && html`<p class="nothing">There is no model that you may ask.</p>`}
        ${data.models.length > 0 && html`<div class="scroll" role="region" aria-label="Models" tabindex="0"><table>
          <thead><tr>${["Name", "Kind", "Provider", "Requests", "Actions"].map((name) => html`<th scope="col" key=${name}>${name}</th>`)}</tr></thead>
          <tbody>${data.models.map((each) => html`<tr key=${each.id}>
            <th scope="row">${each.id}</th><td>${each.parent ? `adapter of ${each.parent}` : "model"}</td><td>${each.owner}</td>
            <td><${Go} to=${{ view: "requests", model: each.id }} aria-label=${`Requests of ${each.id}`}>Requests →<//></td>
            <td>${each.parent && mayRun.value && html`<button type="button" class="plain-button danger" aria-label=${`Unload ${each.id}`} onClick=${() => unload(each)}>Unload</button>`}</td>
          </tr>`)}</tbody></table></div>`}
      </section>
      ${mayRun.value && html`<${Load} models=${data.models.filter((each) => !each.parent)} loaded=${asked.again} />`}`}`;
}

function Ready({ failing: which }) {
  const names = Object.entries(which);
  if (!names.length) return html`<p class="notice-box fine">No provider is known to fail; one that nobody has asked yet may.</p>`;
  return html`<div class="failure notice-box" role="alert"><ul>${names.map(([name, why]) => html`<li key=${name}><b>${name}</b>: ${why}</li>`)}</ul></div>`;
}

function Load({ models, loaded }) {
  const problem = useSignal("");
  const busy = useSignal(false);
  const submit = async (event) => {
    event.preventDefault();
    const form = event.currentTarget;
    const given = Object.fromEntries([...new FormData(form)].filter(([, value]) => value.trim()));
    busy.value = true;
    problem.value = "";
    try {
      await loadAdapter(given);
      tell("The adapter was loaded.");
      form.reset();
      loaded();
    } catch (error) {
      if (!(await refused(error))) problem.value = error.status === 403 ? "Loading an adapter takes an admin." : `${error.message}${error.about ?? ""}`;
    } finally {
      busy.value = false;
    }
  };
  return html`<section aria-labelledby="load-title"><h2 id="load-title">Load an adapter</h2>
    <form class="filters" onSubmit=${submit}>
      <label>Name<input name="lora_name" required maxlength="512" autocomplete="off" spellcheck=${false} /></label>
      <label>Path<input name="lora_path" maxlength="512" placeholder="as its name" autocomplete="off" spellcheck=${false} /></label>
      <label>Of the model<select name="base_model_name">${models.map((each) => html`<option key=${each.id} value=${each.id}>${each.id}</option>`)}</select></label>
      <button type="submit" class="primary" disabled=${busy.value}>${busy.value ? "Loading…" : "Load"}</button>
    </form>
    ${problem.value && html`<p class="error-text" role="alert">${problem}</p>`}
  </section>`;
}
