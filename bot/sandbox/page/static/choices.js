// Elements to choose from: boxes, radio buttons, menus of one and of several.
import { el, icon, uniqueId } from "./dom.js";
import { chosen, initial, named } from "./elements.js";
import { plainText, textNodes } from "./mrkdwn.js";
import { directChannel, humans, state } from "./store.js";
import { place } from "./popup.js";

/** Checkboxes or radio buttons. */
export function choiceGroup(element, spot) {
  const isMany = element.type === "checkboxes";
  const first = isMany
    ? (element.initial_options ?? []).map((option) => option.value)
    : element.initial_option?.value ?? "";
  const now = initial(spot, element, first);
  const name = uniqueId("choice");
  const boxes = element.options.map((option) => {
    const box = el("input", {
      type: isMany ? "checkbox" : "radio",
      name,
      value: option.value,
      checked: isMany ? now.includes(option.value) : now === option.value,
      onchange: () => {
        const on = boxes.filter((each) => each.checked).map((each) => each.value);
        chosen(spot, element, isMany ? on : on[0], group);
      },
    });
    return box;
  });
  const group = el(
    "div",
    { class: "choices", role: isMany ? "group" : "radiogroup",
      ...named(spot, element, "Choices") },
    ...element.options.map((option, at) =>
      el("label", { class: "choice" }, boxes[at],
        el("span", {}, ...textNodes(option.text),
          option.description && el("small", {}, ...textNodes(option.description))))),
  );
  return group;
}

function conversations(element) {
  const include = element.filter?.include ?? ["public", "private", "im"];
  const channels = (state.feed.channels ?? [])
    .filter((each) => each.kind !== "im" && !each.is_archived)
    .filter((each) => include.includes(each.kind === "private_channel" ? "private" : "public"))
    .filter((each) => each.is_member || each.kind === "public_channel")
    .map((each) => ({ value: each.id, label: `#${each.name}` }));
  const direct = include.includes("im") && !element.filter?.exclude_bot_users && directChannel();
  return direct ? [...channels, { value: direct.id, label: "Your messages with the app" }] : channels;
}

/** What a menu offers, in groups: {label, options: {value, label}[]}. */
function offered(element) {
  const kind = element.type.replace("multi_", "");
  const plain = (options) =>
    options.map((each) => ({ value: each.value, label: plainText(each.text) }));
  switch (kind) {
    case "users_select":
      return [{ options: humans().map((each) => ({ value: each.id, label: each.name })) }];
    case "channels_select":
      return [{ options: conversations({ filter: { include: ["public"] } }) }];
    case "conversations_select": return [{ options: conversations(element) }];
    default:
      return (element.option_groups ?? [{ options: element.options ?? [] }]).map((group) => ({
        label: group.label ? plainText(group.label) : undefined,
        options: plain(group.options),
      }));
  }
}

/** A menu of which one is chosen. */
export function oneSelect(element, spot) {
  const first = element.initial_option?.value ?? element.initial_user
    ?? element.initial_channel ?? element.initial_conversation ?? "";
  const now = initial(spot, element, first);
  const option = (each) =>
    el("option", { value: each.value, selected: each.value === now }, each.label);
  const hint = plainText(element.placeholder) || "Choose…";
  const node = el(
    "select",
    { class: "field is-select", ...named(spot, element, "Choose"),
      onchange: () => chosen(spot, element, node.value, node) },
    el("option", { value: "", disabled: !spot.optional, selected: now === "" }, hint),
    ...offered(element).map((group) =>
      group.label
        ? el("optgroup", { label: group.label }, ...group.options.map(option))
        : group.options.map(option)),
  );
  node.value = now;
  return node;
}

/** A menu of which several are chosen: a button that opens a list of boxes. */
export function manySelect(element, spot) {
  const first = element.initial_users ?? element.initial_channels
    ?? element.initial_conversations ?? element.initial_options?.map((each) => each.value) ?? [];
  let now = [...initial(spot, element, first)];
  const groups = offered(element);
  const labels = new Map(groups.flatMap((g) => g.options).map((each) => [each.value, each.label]));
  const hint = plainText(element.placeholder) || "Choose…";
  const summary = el("span", {});
  const describe = () => {
    summary.textContent = now.map((value) => labels.get(value) ?? value).join(", ") || hint;
    summary.className = now.length ? "" : "hint";
  };
  const node = el("button", {
    type: "button", class: "field is-many", "aria-haspopup": "dialog",
    ...named(spot, element, hint),
    onclick: () => openList(node, { hint, groups, isFull, has: (v) => now.includes(v), toggle }),
  }, summary, icon("down"));
  const isFull = () => now.length >= (element.max_selected_items ?? Infinity);
  const toggle = (value, isOn) => {
    now = isOn ? [...now, value] : now.filter((each) => each !== value);
    describe();
    chosen(spot, element, now, node);
  };
  describe();
  return node;
}

function openList(button, { hint, groups, isFull, has, toggle }) {
  const rows = groups.flatMap((group) => [
    group.label && el("p", { class: "popup-heading" }, group.label),
    ...group.options.map((each) => {
      const box = el("input", { type: "checkbox", checked: has(each.value), onchange: () => {
        if (box.checked && isFull()) box.checked = false;
        else toggle(each.value, box.checked);
      } });
      return el("label", { class: "choice menu-item" }, box, el("span", {}, each.label));
    }),
  ]);
  const filter = el("input", { class: "field", type: "search", "aria-label": "Filter",
    placeholder: "Filter…", oninput: () => {
      const wanted = filter.value.toLowerCase();
      for (const row of list.querySelectorAll("label"))
        row.hidden = !row.textContent.toLowerCase().includes(wanted);
    } });
  const list = el("div", { class: "popup is-list", popover: "auto", role: "dialog",
    "aria-label": hint }, rows.length > 8 && filter, ...rows);
  list.addEventListener("toggle", (event) => {
    if (event.newState === "open") return;
    if (list.contains(document.activeElement)) button.focus({ preventScroll: true });
    list.remove();
  });
  (button.closest("dialog") ?? document.body).append(list);
  list.showPopover();
  place(list, button);
  list.querySelector("input")?.focus();
}
