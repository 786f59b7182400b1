// "Are you sure?", as the app words it.
import { el } from "./dom.js";
import { showDialog } from "./focus.js";
import { plainText, textNodes } from "./mrkdwn.js";

/** Ask; gives whether the person agreed. */
export function confirmed(dialog) {
  return new Promise((resolve) => {
    let agrees = false;
    const answer = (yes) => {
      agrees = yes;
      box.close();
    };
    const box = el(
      "dialog",
      { class: "box confirm", "aria-label": plainText(dialog.title), role: "alertdialog" },
      el("h2", {}, plainText(dialog.title)),
      el("p", {}, ...textNodes(dialog.text)),
      el(
        "div",
        { class: "box-buttons" },
        el("button", { type: "button", class: "button", onclick: () => answer(false) },
          plainText(dialog.deny) || "Cancel"),
        el("button", {
          type: "button",
          class: `button ${dialog.style === "danger" ? "is-danger" : "is-primary"}`,
          onclick: () => answer(true),
        }, plainText(dialog.confirm) || "Yes"),
      ),
    );
    // Esc closes it too, and agrees to nothing.
    showDialog(box, () => resolve(agrees));
  });
}
