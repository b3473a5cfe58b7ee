// Starts the dashboard: asks who is there, then draws what the address says.

import { html, render } from "./html.js";
import { start } from "./state/dashboard.js";
import { Dashboard } from "./views/dashboard/dashboard.js";

const root = document.getElementById("app");
root.replaceChildren();
render(html`<${Dashboard} />`, root);
start();
