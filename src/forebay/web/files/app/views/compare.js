// Two models side by side, asked the same; remembered by this page alone.

import { computed, html, signal } from "../html.js";
import { choices, ended, models, ready, rest } from "../state/app.js";
import { MemoryBook } from "../state/memory.js";
import { settings } from "../state/settings.js";
import { Thread } from "../state/thread.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { IconButton } from "./icons.js";
import { Picker, Rest } from "./picker.js";
import { Top } from "./top.js";

const SIDES = ["First", "Second"].map((name, at) => {
  const chosen = signal("");
  const first = () => (at ? models.value?.[Math.min(at, models.value.length - 1)]?.id : settings.value.model);
  const model = computed(() => chosen.value || first() || "");
  const named = () => model.value.replace(/\*$/, () => rest.value.trim());
  const thread = new Thread(new MemoryBook(), () => ({ ...choices(), model: named() }), ended);
  return { name, chosen, model, thread };
});

export function Compare() {
  const running = SIDES.some((side) => side.thread.running.value);
  const send = (text) => SIDES.forEach((side) => side.thread.send(text));
  const stop = () => SIDES.forEach((side) => side.thread.stop());
  const clear = () => SIDES.forEach((side) => side.thread.clear());
  return html`<${Top} title="Compare models" />
    <div class="chat compare" onKeyDown=${(event) => event.key === "Escape" && stop()}>
      <div class="sides">${SIDES.map((side) => html`<${Side} key=${side.name} side=${side} />`)}</div>
      <footer class="below">
        <${Rest} chosen=${SIDES.find((side) => side.model.value.endsWith("*"))?.model.value ?? ""} rest=${rest} />
        <div class="with-clear"><${IconButton} name="trash" label="Clear both" onClick=${clear} /></div>
        <${Composer} label="Message to both" send=${send} stop=${stop} running=${running} ready=${ready.value} />
      </footer>
    </div>`;
}

function Side({ side }) {
  return html`<section class="side" aria-label=${`${side.name} model`}>
    <${Picker} models=${models.value} chosen=${side.model.value} choose=${(id) => (side.chosen.value = id)} label=${`${side.name} model`} />
    <${Conversation} thread=${side.thread} label=${`Answers of the ${side.name.toLowerCase()} model`} />
  </section>`;
}
