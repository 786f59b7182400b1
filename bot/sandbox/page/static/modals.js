// Modals: the topmost view of the person's stack, in a dialog.
import { post, Refused } from "./api.js";
import { showBlocks, showProblems } from "./blocks.js";
import { el, icon, toast } from "./dom.js";
import { bookmark, goBack, keepingFocus } from "./focus.js";
import { botName, Filling } from "./filling.js";
import { plainText } from "./mrkdwn.js";
import { namesKey, state } from "./store.js";

const OUTCOME_S = 5;
const fillings = new Map();

let dialog = null;
let shownId = null;
let shownErrors = "";
let surface = null;
// Where the focus was before the modal, and in each modal before another lay upon it.
let opener = null;
const places = new Map();

function fillingOf(view) {
  if (!fillings.has(view.id)) fillings.set(view.id, new Filling(view.filled));
  return fillings.get(view.id);
}

export function drawModal() {
  const view = state.feed?.modals?.at(-1);
  if (!view) {
    if (dialog) leave();
    return;
  }
  const isNew = view.id !== shownId || !dialog;
  if (isNew) build(view);
  update(view, isNew);
}

function leave() {
  dialog.close();
  dialog.remove();
  dialog = null;
  shownId = null;
  places.clear();
  goBack(opener);
}

function build(view) {
  if (dialog) {
    places.set(shownId, bookmark());
    dialog.close();
    dialog.remove();
  } else opener = bookmark();
  surface = { kind: "modal", address: { view_id: view.id }, blocks: view.blocks,
    filling: fillingOf(view) };
  shownId = view.id;
  shownErrors = "";
  const titleId = "modal-title";
  dialog = el(
    "dialog",
    { class: "modal", "aria-labelledby": titleId, data: { viewId: view.id, scope: view.id } },
    el("form", { novalidate: true, onsubmit: submit },
      el("header", {},
        el("img", { src: "/page/bot.svg", alt: "" }),
        el("h2", { id: titleId, tabindex: "-1", data: { anchor: "" } }),
        el("button", { type: "button", class: "icon-button", "aria-label": "Close dialog",
          onclick: close }, icon("close"))),
      el("div", { class: "modal-blocks", data: { gallery: "" } }),
      el("p", { class: "problem modal-problem", role: "alert", hidden: true }),
      el("footer", {})),
    el("div", { class: "toasts", role: "alert" }),
  );
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    close();
  });
  document.body.append(dialog);
  dialog.showModal();
}

function update(view, isNew) {
  surface.blocks = view.blocks;
  surface.gone = view.gone;
  const blocks = dialog.querySelector(".modal-blocks");
  const heading = dialog.querySelector("h2");
  heading.textContent = plainText(view.title);
  keepingFocus(() => {
    showBlocks(blocks, view.blocks, surface, namesKey());
    drawFooter(view);
  });
  if (isNew) {
    heading.focus({ preventScroll: true });
    const place = places.get(view.id);
    if (place) {
      document.activeElement.blur();
      goBack(place);
    }
  }
  // At first, or after "Looking…".
  if (document.activeElement === heading) enter(view, blocks);
  const errors = JSON.stringify(view.errors);
  if (errors !== shownErrors) {
    shownErrors = errors;
    showProblems(blocks, view.errors)?.focus?.();
  }
}

/** Focus the field that the app names or the first control, but none that one had to scroll to. */
function enter(view, blocks) {
  const asked = view.blocks.find((block) => block.element?.focus_on_load)?.block_id;
  const field = asked && blocks.querySelector(`[data-block-id="${CSS.escape(asked)}"] .field`);
  if (field) {
    field.focus();
    return;
  }
  const first = blocks.querySelector("input, select, textarea, button, a[href]");
  const isSeen = first
    && first.getBoundingClientRect().top < blocks.getBoundingClientRect().bottom;
  if (isSeen) first.focus({ preventScroll: true });
}

function drawFooter(view) {
  const footer = dialog.querySelector("footer");
  const text = JSON.stringify([view.close, view.submit]);
  if (footer.dataset.text === text) return;
  footer.dataset.text = text;
  footer.replaceChildren(
    el("button", { type: "button", class: "button", onclick: close },
      plainText(view.close) || (view.submit ? "Cancel" : "Close")),
    view.submit
      ? el("button", { type: "submit", class: "button is-primary" }, plainText(view.submit))
      : "",
  );
}

/** Blocks that must be filled in and are not. */
function missing(view) {
  const found = {};
  for (const block of view.blocks) {
    if (block.type !== "input" || block.optional) continue;
    const field = document.querySelector(
      `dialog.modal [data-block-id="${CSS.escape(block.block_id)}"] [data-action-id]`);
    if (!field) continue;
    if (isEmpty(block, field)) found[block.block_id] = "Please fill this in.";
    else if (field.matches?.("input") && !field.validity.valid)
      found[block.block_id] = field.validationMessage;
  }
  return found;
}

function isEmpty(block, field) {
  if (field.matches("[role=group], [role=radiogroup]")) return !field.querySelector(":checked");
  if (field.matches("input[type=file], button")) {
    const kept = surface.filling.get(block.block_id, block.element.action_id);
    return !(kept ?? firstOf(block.element)).length;
  }
  return !field.value.trim();
}

function firstOf(element) {
  return element.initial_options ?? element.initial_users ?? element.initial_channels
    ?? element.initial_conversations ?? [];
}

function tell(text) {
  const problem = dialog?.querySelector(".modal-problem");
  if (!problem) return;
  problem.textContent = text;
  problem.hidden = !text;
}

async function submit(event) {
  event.preventDefault();
  const view = state.feed.modals?.at(-1);
  const button = dialog.querySelector("footer [type=submit]");
  if (!view?.submit || button.getAttribute("aria-busy") === "true") return;
  tell("");
  button.setAttribute("aria-busy", "true");
  try {
    await surface.filling.arrived();
    // Meanwhile the person may have closed it, or the bot put another in its place.
    if (state.feed.modals?.at(-1)?.id !== view.id) return;
    const problems = missing(view);
    shownErrors = JSON.stringify(problems);
    const first = showProblems(dialog.querySelector(".modal-blocks"), problems);
    if (first) {
      first.focus();
      return;
    }
    shownErrors = "";
    const { outcome } = await post("submissions", { person: state.me, view_id: view.id,
      filled: surface.filling.all(view.blocks), outcome_s: OUTCOME_S });
    if (outcome?.error)
      tell(`${botName()} did not take this (${outcome.error}). Try again.`);
  } catch (error) {
    tell(error instanceof Refused ? error.message : "The workspace does not answer. Try again.");
  } finally {
    button.removeAttribute("aria-busy");
  }
}

async function close() {
  const view = state.feed.modals?.at(-1);
  if (!view) return;
  fillings.delete(view.id);
  try {
    await post("closings", { person: state.me, view_id: view.id });
  } catch (error) {
    toast(error.message);
  }
}
