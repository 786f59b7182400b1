// Block Kit's blocks. https://docs.slack.dev/reference/block-kit/blocks
import { el, uniqueId } from "./dom.js";
import { elementNode } from "./elements.js";
import { keepingFocus } from "./focus.js";
import { mrkdwn, plainText, textNodes } from "./mrkdwn.js";
import { blockImage } from "./pictures.js";
import { richText } from "./richtext.js";

/** The node for a block on a surface; `about` says what a menu in it is for. */
function blockNode(block, surface, about) {
  const hasPicture = block.accessory?.type === "image";
  const node = el("div", {
    class: `block block-${block.type} ${hasPicture ? "has-picture" : ""}`,
    data: { blockId: block.block_id },
  });
  const spot = { surface, blockId: block.block_id, fires: true, about };
  switch (block.type) {
    case "section": node.append(...section(block, spot)); break;
    case "actions":
      node.append(...block.elements.map((each) => elementNode(each, spot)));
      break;
    case "context":
      node.append(...block.elements.map((each) =>
        each.type === "image" ? blockImage(each, surface) : el("span", {}, ...textNodes(each))));
      break;
    case "image":
      if (block.title) node.append(el("p", { class: "image-title" }, plainText(block.title)));
      node.append(blockImage(block, surface));
      break;
    case "header":
      node.append(el(surface.kind === "message" ? "h3" : "h2", {}, plainText(block.text)));
      break;
    case "divider": node.append(el("hr")); break;
    case "input": node.append(...input(block, spot)); break;
    case "rich_text": node.append(richText(block)); break;
    case "markdown": node.append(el("div", { class: "text" }, ...mrkdwn(block.text))); break;
    case "file": node.append(el("p", { class: "unknown" }, "A file of another service")); break;
    default: node.append(el("p", { class: "unknown" }, `(A ${block.type} block is not shown here)`));
  }
  return node;
}

function section(block, spot) {
  const words = el("div", { class: "section-words", id: uniqueId("section") },
    block.text && el("div", { class: "text" }, ...textNodes(block.text)),
    block.fields && el("div", { class: "fields" },
      ...block.fields.map((field) => el("div", { class: "text" }, ...textNodes(field)))));
  const accessory = block.accessory;
  if (!accessory) return [words];
  // First, as it floats: the buttons of the next block find room beside it.
  if (accessory.type === "image") return [blockImage(accessory, spot.surface, "is-accessory"), words];
  // The text says what a menu beside it is for; a button says so itself.
  const isOwnLabel = ["button", "overflow", "workflow_button"].includes(accessory.type);
  const named = isOwnLabel ? spot : { ...spot, labelledBy: words.id };
  return [words, el("div", { class: "accessory" }, elementNode(accessory, named))];
}

function isRequired(block) {
  return block.type === "input" && !block.optional;
}

function hasMenu(block) {
  return [block.accessory, ...(block.elements ?? [])].some((each) => each?.type === "overflow");
}

/** What the nearest text above a menu is about: its link, what is bold in it, or how it begins. */
function subjectOf(blocks, at) {
  const above = blocks.slice(0, at + 1).findLast((block) => block.text ?? block.alt_text);
  if (!above) return "";
  const words = el("div", {}, ...(above.text ? textNodes(above.text) : [above.alt_text]));
  const named = words.querySelector("a[href], strong")?.textContent ?? words.textContent;
  return named.length > SUBJECT_CHARS ? `${named.slice(0, SUBJECT_CHARS)}…` : named;
}

function input(block, spot) {
  const labelId = uniqueId("label");
  const hintId = block.hint ? uniqueId("hint") : null;
  const problemId = uniqueId("problem");
  const element = elementNode(block.element, {
    ...spot,
    fires: block.dispatch_action === true,
    optional: block.optional === true,
    labelledBy: labelId,
    describedBy: [hintId, problemId].filter(Boolean).join(" "),
  });
  // A click on the label leads to what it names.
  const inner = element.matches("input, select, textarea, button")
    ? element : element.querySelector("input");
  inner.id ||= uniqueId("input");
  return [
    el("label", { class: "label", id: labelId, for: inner.id }, plainText(block.label),
      // Where nothing must be filled in, that needs no telling.
      block.optional && spot.surface.blocks.some(isRequired) && el("span", { class: "optional" }, " (optional)")),
    element,
    block.hint && el("p", { class: "hint", id: hintId }, plainText(block.hint)),
    el("p", { class: "problem", id: problemId, role: "alert", hidden: true }),
  ].filter(Boolean);
}

const SUBJECT_CHARS = 60;
const kept = new WeakMap();

/**
 * Show blocks in a container. A block that stays as it was keeps its node, with what a person has
 * typed there.
 */
export function showBlocks(container, blocks, surface, version = "") {
  const before = kept.get(container) ?? new Map();
  const after = new Map();
  const around = version + JSON.stringify([surface.gone, blocks.some(isRequired)]);
  const nodes = blocks.map((block, at) => {
    const about = hasMenu(block) ? subjectOf(blocks, at) : "";
    const text = around + about + JSON.stringify(block);
    const old = before.get(block.block_id);
    const node = old?.text === text ? old.node : blockNode(block, surface, about);
    after.set(block.block_id, { text, node });
    return node;
  });
  kept.set(container, after);
  keepingFocus(() => {
    const fresh = new Set(nodes);
    for (const child of [...container.children]) if (!fresh.has(child)) child.remove();
    nodes.forEach((node, at) => {
      if (container.children[at] !== node) container.insertBefore(node, container.children[at] ?? null);
    });
  });
}

/** Show, by block_id, what is wrong; gives the first node with a problem. */
export function showProblems(container, problems) {
  let first = null;
  for (const node of container.querySelectorAll(".block-input")) {
    const text = problems[node.dataset.blockId] ?? "";
    const place = node.querySelector(":scope > .problem");
    place.textContent = text;
    place.hidden = !text;
    const field = node.querySelector("[data-action-id]");
    if (text) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
    if (text) first ??= field;
  }
  return first;
}
