// Block Kit's elements. https://docs.slack.dev/reference/block-kit/block-elements
import { choiceGroup, manySelect, oneSelect } from "./choices.js";
import { el, icon } from "./dom.js";
import { fileInput } from "./file_input.js";
import { use } from "./filling.js";
import { plainText } from "./mrkdwn.js";
import { withMenu } from "./popup.js";

const CHARACTER_PAUSE_MS = 300;
const TYPED = {
  plain_text_input: "text",
  email_text_input: "email",
  url_text_input: "url",
  number_input: "number",
  datepicker: "date",
  timepicker: "time",
};

/**
 * What an element needs to know of its place.
 * @typedef {object} Spot
 * @property {import("./filling.js").Surface} surface
 * @property {string} blockId
 * @property {boolean} fires  whether the bot hears of a choice at once
 * @property {string} [labelledBy]  the id of a visible label
 * @property {string} [describedBy]
 * @property {boolean} [optional]
 * @property {string} [about]  what a menu without a label of its own is for
 */

/** Keep a value and, where it counts at once, tell the bot. */
export function chosen(spot, element, value, control) {
  spot.surface.filling.set(spot.blockId, element.action_id, value);
  if (spot.fires) use(spot.surface, { blockId: spot.blockId, element, value, control });
}

/** The attributes that name an element to tests and to screen readers. */
export function named(spot, element, fallback) {
  const label = plainText(element.placeholder) || fallback;
  return {
    data: { actionId: element.action_id, blockId: spot.blockId },
    "aria-label": spot.labelledBy ? null : element.accessibility_label ?? label,
    "aria-labelledby": spot.labelledBy ?? null,
    "aria-describedby": spot.describedBy ?? null,
  };
}

/** The value an element begins with. */
export function initial(spot, element, fallback) {
  return spot.surface.filling.get(spot.blockId, element.action_id) ?? fallback;
}

/** The node for an element. */
export function elementNode(element, spot) {
  switch (element.type) {
    case "button":
    case "workflow_button": return button(element, spot);
    case "overflow": return overflow(element, spot);
    case "checkboxes":
    case "radio_buttons": return choiceGroup(element, spot);
    case "static_select":
    case "external_select":
    case "users_select":
    case "channels_select":
    case "conversations_select": return oneSelect(element, spot);
    case "multi_static_select":
    case "multi_external_select":
    case "multi_users_select":
    case "multi_channels_select":
    case "multi_conversations_select": return manySelect(element, spot);
    case "file_input": return fileInput(element, spot);
    default:
      if (element.type in TYPED) return typed(element, spot);
      return el("span", { class: "unknown" }, `(${element.type} is not shown here)`);
  }
}

function button(element, spot) {
  const style = { primary: "is-primary", danger: "is-danger" }[element.style] ?? "";
  const press = () => use(spot.surface, {
    blockId: spot.blockId, element, value: element.value, control: node });
  const shared = {
    class: `button ${style}`,
    data: { actionId: element.action_id, blockId: spot.blockId },
    "aria-label": element.accessibility_label ?? null,
    onclick: press,
  };
  const node = element.url
    ? el("a", { ...shared, href: element.url, target: "_blank", rel: "noopener noreferrer" },
        plainText(element.text))
    : el("button", { ...shared, type: "button" }, plainText(element.text));
  return node;
}

function overflow(element, spot) {
  const node = el("button", {
    type: "button",
    class: "button is-overflow",
    ...named(spot, element, spot.about ? `More actions for ${spot.about}` : "More actions"),
  }, icon("more"));
  return withMenu(node, () => element.options.map((option) => ({
    label: [plainText(option.text),
      option.description && el("small", {}, plainText(option.description))],
    choose: () => {
      if (option.url) open(option.url, "_blank", "noopener");
      use(spot.surface, { blockId: spot.blockId, element, value: option.value, control: node });
    },
  })));
}

function typed(element, spot) {
  const isLong = element.type === "plain_text_input" && element.multiline;
  const fallback = element.initial_value ?? element.initial_date ?? element.initial_time ?? "";
  const node = el(isLong ? "textarea" : "input", {
    class: "field",
    ...named(spot, element, "Text"),
    type: isLong ? null : TYPED[element.type],
    rows: isLong ? "4" : null,
    placeholder: plainText(element.placeholder) || null,
    maxlength: element.max_length ? String(element.max_length) : null,
    minlength: element.min_length ? String(element.min_length) : null,
    min: element.min_value ?? null,
    max: element.max_value ?? null,
    step: element.is_decimal_allowed ? "any" : null,
    autofocus: element.focus_on_load ?? null,
  });
  node.value = initial(spot, element, fallback);
  const isPicked = element.type === "datepicker" || element.type === "timepicker";
  const asks = element.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"];
  const keep = () => spot.surface.filling.set(spot.blockId, element.action_id, node.value);
  const tell = () => chosen(spot, element, node.value, node);
  let pause;
  node.addEventListener("input", () => {
    keep();
    clearTimeout(pause);
    if (spot.fires && !isPicked && asks.includes("on_character_entered"))
      pause = setTimeout(tell, CHARACTER_PAUSE_MS);
  });
  if (isPicked) node.addEventListener("change", tell);
  node.addEventListener("keydown", (event) => {
    const isEnter = event.key === "Enter" && !event.isComposing && !isLong;
    if (!isEnter || !spot.fires || isPicked || !asks.includes("on_enter_pressed")) return;
    event.preventDefault();
    tell();
  });
  return node;
}
