// Starts the web app: draws it, then asks the server what there is.

import { html, render } from "./html.js";
import { start } from "./state/app.js";
import { App } from "./views/app.js";

const root = document.getElementById("app");
root.replaceChildren();
render(html`<${App} />`, root);
start();
