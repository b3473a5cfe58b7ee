// The system prompt, the parameters and the colours.

import { html, useRef, useSignal } from "../html.js";
import { PARAMETERS, set, setParameter, settings } from "../state/settings.js";
import { bounded } from "./composer.js";
import { Dialog } from "./dialog.js";

const THEMES = { system: "As the system", light: "Light", dark: "Dark" };

export function Settings({ close }) {
  const { instructions, parameters, stop, watermark, theme } = settings.value;
  const resets = useSignal(0);
  const reset = () => {
    set({ instructions: "", parameters: {}, stop: "", watermark: "" });
    resets.value += 1;
  };
  return html`<${Dialog} title="Settings" close=${close}>
    <div class="form">
      <label>System prompt
        <textarea rows="4" value=${instructions} placeholder="How the model should answer" onPaste=${bounded} onInput=${(event) => set({ instructions: event.currentTarget.value })}></textarea>
      </label>
      <fieldset class="parameters"><legend>Parameters</legend>
        ${PARAMETERS.map((each) => html`<${Parameter} key=${`${each.name} ${resets.value}`} parameter=${each} value=${parameters[each.name]} />`)}
        <label>Stop sequences
          <textarea rows="2" value=${stop} placeholder="one in each line, four at most" onInput=${(event) => set({ stop: event.currentTarget.value })}></textarea>
        </label>
        <label>Watermark
          <select value=${watermark} onChange=${(event) => set({ watermark: event.currentTarget.value })}>
            <option value="">As the server says</option><option value="on">On</option><option value="off">Off</option>
          </select>
        </label>
      </fieldset>
      <p class="hint">What is empty is left to the model.</p>
      <label>Colours
        <select value=${theme} onChange=${(event) => set({ theme: event.currentTarget.value })}>
          ${Object.entries(THEMES).map(([value, name]) => html`<option key=${value} value=${value}>${name}</option>`)}
        </select>
      </label>
      <div class="row end"><button type="button" onClick=${reset}>Reset</button><button type="button" class="primary" onClick=${close}>Done</button></div>
    </div>
  <//>`;
}

function Parameter({ parameter, value }) {
  const { name, label, min, max, step, hint } = parameter;
  const id = `parameter-${name}`;
  // The field is left alone while somebody types: on the way to 0.7 and to -1 stands what is no number.
  const first = useRef(value ?? "");
  const wrong = useSignal(false);
  const change = (event) => {
    const { value: text, valueAsNumber: number, validity } = event.currentTarget;
    wrong.value = !validity.valid;
    setParameter(name, wrong.value || text === "" ? null : number);
  };
  return html`<div class="parameter">
    <label for=${id}>${label}</label>
    <input id=${id} type="number" min=${min} max=${max} step=${step < 1 ? "any" : step} defaultValue=${first.current} placeholder="default"
      aria-describedby=${`${id}-hint`} aria-invalid=${wrong.value ? "true" : null} onInput=${change} />
    <p class=${wrong.value ? "error-text" : "hint"} id=${`${id}-hint`}>${wrong.value ? `It takes ${step < 1 ? "a number" : "a whole number"} from ${min} to ${max}; until then it is left to the model.` : hint}</p>
  </div>`;
}
