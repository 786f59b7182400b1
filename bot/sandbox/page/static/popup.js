// A menu that opens below its button: arrow keys move, Esc closes.
import { el } from "./dom.js";

/**
 * Give a button a menu.
 * @param {() => {label: string|Node[], checked?: boolean, danger?: boolean, choose: () => void}[]} items
 */
export function withMenu(button, items, { label, className = "" } = {}) {
  button.setAttribute("aria-haspopup", "menu");
  button.setAttribute("aria-expanded", "false");
  button.addEventListener("click", () => open(button, items(), { label, className }));
  return button;
}

function open(button, items, { label, className }) {
  const isOneOf = items.some((item) => item.checked !== undefined);
  const entries = items.map((item) =>
    el("button", {
      type: "button",
      class: `menu-item ${item.danger ? "is-danger" : ""}`,
      role: isOneOf && item.checked !== undefined ? "menuitemradio" : "menuitem",
      "aria-checked": item.checked === undefined ? null : String(item.checked),
      tabindex: "-1",
      onclick: () => {
        menu.hidePopover();
        item.choose();
      },
    }, item.label));
  const menu = el("div", { class: `popup ${className}`, role: "menu", popover: "auto",
    "aria-label": label ?? button.getAttribute("aria-label") ?? "Menu" }, ...entries);
  menu.addEventListener("keydown", (event) => move(event, entries));
  menu.addEventListener("toggle", (event) => {
    if (event.newState === "open") return;
    button.setAttribute("aria-expanded", "false");
    if (menu.contains(document.activeElement) || document.activeElement === document.body)
      button.focus({ preventScroll: true });
    menu.remove();
  });
  (button.closest("dialog") ?? document.body).append(menu);
  menu.showPopover();
  button.setAttribute("aria-expanded", "true");
  place(menu, button);
  (entries.find((each) => each.getAttribute("aria-checked") === "true") ?? entries[0])?.focus();
}

function move(event, entries) {
  const at = entries.indexOf(document.activeElement);
  const steps = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: entries.length - 1 };
  if (event.key === "Tab") event.currentTarget.hidePopover();
  if (!(event.key in steps)) return;
  event.preventDefault();
  entries.at(steps[event.key] % entries.length)?.focus();
}

/** Put a popup below its button, or above where there is no room. */
export function place(popup, button) {
  const from = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = popup;
  const below = from.bottom + 4;
  const top = below + height > innerHeight - 8 ? Math.max(8, from.top - height - 4) : below;
  popup.style.top = `${top}px`;
  popup.style.left = `${Math.max(8, Math.min(from.left, innerWidth - width - 8))}px`;
}
