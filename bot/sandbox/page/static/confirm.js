// "Are you sure?", as the app words it.
import { el } from "./dom.js";
import { plainText, textNodes } from "./mrkdwn.js";

/** Ask; gives whether the person agreed. */
export function confirmed(dialog) {
  return new Promise((resolve) => {
    const answer = (yes) => {
      box.close();
      box.remove();
      resolve(yes);
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
    box.addEventListener("cancel", (event) => {
      event.preventDefault();
      answer(false);
    });
    document.body.append(box);
    box.showModal();
  });
}
