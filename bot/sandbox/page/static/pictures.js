// Pictures, files, avatars, and a picture as large as the window.
import { fileUrl } from "./api.js";
import { el, icon } from "./dom.js";
import { showDialog } from "./focus.js";
import { mrkdwn } from "./mrkdwn.js";
import { person, state } from "./store.js";

const THUMB_SIDE_PX = 480;
const GALLERY = "[data-gallery]";

export function avatar(id, className = "") {
  const who = person(id);
  if (id === state.feed?.bot_user_id)
    return el("img", { class: `avatar ${className}`, src: "/page/bot.svg", alt: "" });
  if (who?.avatar) return el("img", { class: `avatar ${className}`, src: who.avatar, alt: "" });
  const name = who?.name ?? "?";
  const initials = name.split(/\s+/).slice(0, 2).map((word) => word.charAt(0)).join("");
  const tone = [...(id ?? "")].reduce((sum, char) => sum + char.charCodeAt(0), 0) % 6;
  return el("span", { class: `avatar is-letters tone-${tone} ${className}`, "aria-hidden": "true" },
    initials.toUpperCase());
}

/** A picture that opens large. `shown` has `src`, `full`, `alt` and perhaps `width`, `height`. */
export function picture(shown, className = "") {
  const button = el(
    "button",
    {
      type: "button",
      class: `picture ${className}`,
      "aria-label": `Open picture: ${shown.alt}`,
      data: { full: shown.full, caption: shown.alt },
      onclick: () => openLightbox(button),
    },
    el("img", { src: shown.src, alt: shown.alt, decoding: "async",
      width: shown.width ? String(shown.width) : null,
      height: shown.height ? String(shown.height) : null }),
  );
  return button;
}

/** The id of the file that a slack_file object names. */
function slackFileId(file) {
  return file.id ?? /-(F\w+)\//.exec(file.url ?? "")?.[1];
}

/** An image element or block. Only this workspace's own pictures are shown: the page is offline. */
export function blockImage(image, surface, className = "") {
  if (image.slack_file) {
    const id = slackFileId(image.slack_file);
    if (surface.gone.includes(id))
      return el("span", { class: `picture is-gone ${className}`, title: image.alt_text },
        "picture no longer available");
    return picture({
      src: fileUrl(state.me, id, { sidePx: THUMB_SIDE_PX }),
      full: fileUrl(state.me, id),
      alt: image.alt_text,
    }, className);
  }
  const url = new URL(image.image_url, location.origin);
  const isOwn = ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname)
    && url.port === location.port;
  if (isOwn) {
    const src = url.pathname + url.search;
    return picture({ src, full: src, alt: image.alt_text }, className);
  }
  return el("a", { class: `picture is-elsewhere ${className}`, href: url.href, target: "_blank",
    rel: "noopener noreferrer" }, icon("picture"), el("span", {}, image.alt_text));
}

function sizeOf(bytes) {
  if (bytes < 1024) return `${bytes} bytes`;
  if (bytes < 1024 * 1024) return `${Math.round(bytes / 1024)} KB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

export function fileCard(file) {
  if (file.is_deleted) return el("p", { class: "file-card is-gone" }, "This file was deleted.");
  const name = file.title || file.name;
  return el(
    "div",
    { class: "file-card", data: { file: file.id } },
    el("span", { class: "file-kind", "aria-hidden": "true" }, (file.kind || "file").slice(0, 4)),
    el("div", { class: "file-about" },
      el("span", { class: "file-name" }, name),
      el("span", { class: "file-size" }, `${(file.kind || "file").toUpperCase()} · ${sizeOf(file.size)}`)),
    el("a", { class: "button is-small", href: fileUrl(state.me, file.id, { download: true }),
      download: file.name, "aria-label": `Download ${name}` }, icon("download"),
      el("span", { class: "wide-only" }, "Download")),
  );
}

/** The files of a message: pictures together, then the others. */
export function files(list, author) {
  const pictures = list.filter((file) => file.is_picture);
  const others = list.filter((file) => !file.is_picture);
  const about = (file) => file.alt || `${file.title || file.name}, posted by ${author}`;
  const shown = pictures.map((file) => {
    const scale = Math.min(1, THUMB_SIDE_PX / Math.max(file.width, file.height));
    return picture({
      src: fileUrl(state.me, file.id, { sidePx: THUMB_SIDE_PX }),
      full: fileUrl(state.me, file.id),
      alt: about(file),
      width: Math.round(file.width * scale),
      height: Math.round(file.height * scale),
    });
  });
  return [
    shown.length > 0
      && el("div", { class: `photos ${shown.length > 1 ? "is-many" : ""}` }, ...shown),
    ...others.map(fileCard),
  ].filter(Boolean);
}

function openLightbox(button) {
  const all = [...(button.closest(GALLERY) ?? document).querySelectorAll("button.picture")];
  let at = all.indexOf(button);
  const image = el("img", { alt: "" });
  const caption = el("p", { class: "lightbox-caption" });
  const count = el("span", { class: "lightbox-count" });
  const show = (index) => {
    at = (index + all.length) % all.length;
    image.src = all[at].dataset.full;
    image.alt = all[at].dataset.caption;
    caption.replaceChildren(...mrkdwn(all[at].dataset.caption.replace(/[*_~`]/g, "")));
    count.textContent = all.length > 1 ? `${at + 1} of ${all.length}` : "";
  };
  const step = (label, name, by) =>
    el("button", { type: "button", class: "icon-button is-step", "aria-label": label,
      onclick: () => show(at + by) }, icon(name));
  const several = all.length > 1;
  const box = el(
    "dialog",
    { class: "lightbox", "aria-label": "Picture" },
    el("div", { class: "lightbox-top" }, count,
      el("button", { type: "button", class: "icon-button", "aria-label": "Close picture",
        onclick: () => box.close() }, icon("close"))),
    several && step("Previous picture", "left", -1),
    image,
    several && step("Next picture", "right", 1),
    caption,
  );
  box.addEventListener("keydown", (event) => {
    if (!several) return;
    if (event.key === "ArrowLeft") show(at - 1);
    if (event.key === "ArrowRight") show(at + 1);
  });
  box.addEventListener("click", (event) => {
    if (event.target === box) box.close();
  });
  show(at);
  showDialog(box);
}
