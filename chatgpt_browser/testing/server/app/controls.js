/** The options of a message: the user chooses them in the model picker, the "+" menu or the page's address (see `PageControls`). */

import { create } from "./layouts.js";
import { attach, item, submenu } from "./menus.js";

const options = JSON.parse(document.body.dataset.controls);
const query = new URLSearchParams(location.search);
const TOOLS = {
  search: "Web search",
  "plugin:connector_openai_deep_research": "Deep research",
  picture_v2: "Create image",
  tatertot: "Study and learn",
  canvas: "Canvas",
};
const EFFORTS = { min: "Light", standard: "Standard", extended: "Extended", max: "Heavy" };
const DEEP_RESEARCH = "plugin:connector_openai_deep_research";

const chosen = {
  model: options.reads_model_address ? query.get("model") : null,
  effort: null,
  hint: null,
  isTemporary: query.get("temporary-chat") === "true",
  project: location.pathname.match(/^\/g\/(g-p-[0-9a-z]+|[^/]+)[^/]*\/project$/)?.[1] ?? null,
};
let pill = null;
let form = null;

/** Return the choices that an upload depends on: the temporary chat and the project. */
export const context = () => ({ isTemporary: chosen.isTemporary, project: chosen.project });

/** Return whether the conversation is a temporary chat, which has no address. */
export const isTemporary = () => chosen.isTemporary;

const isSent = (name) => !options.ignores.includes(name);

/** Return the chosen options as fields of the request, and the text of the message. Then discard the tool: it is for one message. */
export function takeFields(text) {
  const hints = chosen.hint !== null && isSent("tools") ? [chosen.hint] : [];
  const fields = {
    ...(chosen.model !== null && isSent("model") && { model: chosen.model }),
    ...(chosen.effort !== null && isSent("effort") && { thinking_effort: chosen.effort }),
    ...(hints.length && { system_hints: hints }),
    ...(chosen.isTemporary && isSent("temporary") && { history_and_training_disabled: true }),
    ...(chosen.project !== null && isSent("project") && { conversation_mode: { kind: "gizmo_interaction", gizmo_id: chosen.project } }),
    ...(options.work_mode && { conversation_origin: "tpp" }),
  };
  const isResearch = hints.includes(DEEP_RESEARCH);
  if (isResearch) Object.assign(fields, { deep_research_version: "full", venus_model_variant: "standard" });
  setTool(null);
  return { fields, hints, text: isResearch ? `@Deep research ${text}` : text };
}

function setTool(hint) {
  chosen.hint = hint;
  pill?.remove();
  pill = null;
  if (hint === null) return;
  pill = create("button", { type: "button", class: "__composer-pill", "aria-label": `${TOOLS[hint]}, click to remove` }, TOOLS[hint]);
  pill.addEventListener("click", () => setTool(null));
  form.querySelector(".box").append(pill);
}

/** Discard the chosen tool, as on the site. Called when text was written into an empty composer. */
export function noteWritten() {
  if (options.text_clears_tool) setTool(null);
}

function toolItems(openFiles) {
  const files = item({}, "Add photos & files", () => {
    closePlus();
    openFiles();
  });
  const tools = Object.entries(TOOLS).map(([hint, label]) =>
    item({ role: "menuitemradio", "aria-checked": String(chosen.hint === hint) }, label, () => {
      closePlus();
      setTool(hint);
    }),
  );
  return [files, ...(options.tools_in_more ? submenu("More", tools) : tools)];
}

let closePlus = () => {};
let models = { models: [], versions: [] };

const presets = () => models.versions?.[0]?.intelligence_presets ?? [];
const presetIndex = () => {
  const found = presets().findIndex((preset) => preset.model_slug === chosen.model && (preset.thinking_effort ?? null) === chosen.effort);
  return found < 0 ? Math.min(1, presets().length - 1) : found;
};

/** Choose a preset of the slider. */
function choosePreset(index) {
  const preset = presets()[Math.max(0, Math.min(index, presets().length - 1))];
  if (preset) Object.assign(chosen, { model: preset.model_slug, effort: preset.thinking_effort ?? null });
}

function chooseModel(slug) {
  chosen.model = slug;
  chosen.effort = models.models.find((model) => model.slug === slug)?.default_thinking_effort ?? null;
}

/** Return the items of a picker with a slider. A click on the slider chooses the highest level. */
function sliderItems() {
  const slider = create("div", { role: "slider", "aria-valuemin": "0", "aria-valuemax": String(presets().length - 1) });
  const level = create("p", { id: "power-level" });
  const power = create("div", { role: "menuitem", tabindex: "0", "data-reasoning-slider": "", "aria-describedby": "power-level" }, "Power", slider);
  const update = () => {
    slider.setAttribute("aria-valuenow", String(presetIndex()));
    level.textContent = `${presets()[presetIndex()]?.title}, ${presetIndex() + 1} of ${presets().length}.`;
  };
  power.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (step) choosePreset(presetIndex() + step);
    update();
  });
  power.addEventListener("click", () => {
    choosePreset(presets().length - 1);
    update();
  });
  update();
  const simple = create("div", { "data-testid": "composer-model-picker-slider-simple-view" }, power, level);
  const radios = models.models.map(({ slug, title }) => {
    const attributes = { role: "menuitemradio", "aria-checked": String(slug === chosen.model) };
    const radio = item(attributes, title, () => {
      chooseModel(slug);
      radios.forEach((other) => other.setAttribute("aria-checked", String(other === radio)));
      update();
    }, { ignoresClicks: options.ignores_model_clicks });
    return radio;
  });
  const advanced = create("div", { "data-testid": "composer-model-picker-slider-advanced-view", hidden: "" }, ...radios);
  const opener = item({}, "Advanced", () => {
    simple.toggleAttribute("hidden");
    advanced.toggleAttribute("hidden");
  });
  return [simple, opener, advanced];
}

/** Return the items of an earlier picker: models with test ids, and a submenu for the effort. */
function menuItems() {
  const list = models.models.map(({ slug, title }) =>
    item({ "data-testid": `model-switcher-${slug}` }, title, () => {
      chooseModel(slug);
      closePicker();
    }),
  );
  const efforts = Object.entries(EFFORTS).map(([effort, label]) =>
    item({ role: "menuitemradio", "aria-checked": String(chosen.effort === effort) }, label, () => {
      chosen.effort = effort;
      closePicker();
    }),
  );
  return [...list, ...submenu("Effort", efforts)];
}

let closePicker = () => {};

/** Return the "+" button and the button of the model picker. If the layout does not have a button, create it. */
function findButtons(layoutButtons) {
  const plus = layoutButtons.plus ?? create("button", { type: "button", "data-testid": "composer-plus-btn", "aria-label": "Add files and more" }, "+");
  const isSlider = options.picker === "slider";
  const attributes = isSlider ? { class: "__composer-pill" } : { "data-testid": "model-switcher-dropdown-button" };
  const picker = layoutButtons.picker ?? create("button", { type: "button", "aria-label": "Select ChatGPT model", ...attributes }, "Model");
  return { plus, picker };
}

/** Add the controls to the composer. `layoutButtons` are the buttons that the layout already has. */
export function addControls(composerForm, layoutButtons, openFiles, loadModels) {
  form = composerForm;
  const { plus, picker } = findButtons(layoutButtons);
  const box = form.querySelector(".box");
  if (!plus.isConnected) box.prepend(plus);
  closePlus = attach(plus, () => toolItems(openFiles));
  if (options.work_mode) box.append(modes());
  if (options.picker === "none") return;
  if (!picker.isConnected) box.append(picker);
  const isSlider = options.picker === "slider";
  closePicker = attach(picker, isSlider ? sliderItems : menuItems, isSlider ? { "data-testid": "composer-intelligence-picker-content" } : {});
  loadModels()
    .then((found) => (models = found))
    .catch(() => {});
}

/** Return the choice between the modes "Chat" and "Work". */
function modes() {
  const radio = (label, isChecked) => create("button", { type: "button", role: "radio", "aria-checked": String(isChecked) }, label);
  return create("div", { role: "radiogroup", "aria-label": "Mode" }, radio("Chat", false), radio("Work", true));
}
