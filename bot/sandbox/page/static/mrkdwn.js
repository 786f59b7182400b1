// Slack's mark-up as nodes. https://docs.slack.dev/messaging/formatting-message-text
import { formatted } from "./dates.js";
import { el } from "./dom.js";
import { withEmoji } from "./emoji.js";
import { channel, person } from "./store.js";

// Finished nodes stand in the text as one character of the private use area each.
const FIRST_MARK = 0xe000;
const MOST_MARKS = 0x1800;
// A sign counts between what is no letter or digit, and holds no space inside its ends.
const STYLES = [
  [/(^|[^\p{L}\p{N}*])\*(?=\S)([^*\n]*?[^\s*])\*(?![\p{L}\p{N}])/u, "strong"],
  [/(^|[^\p{L}\p{N}_])_(?=\S)([^_\n]*?[^\s_])_(?![\p{L}\p{N}])/u, "em"],
  [/(^|[^\p{L}\p{N}~])~(?=\S)([^~\n]*?[^\s~])~(?![\p{L}\p{N}])/u, "del"],
];
const MARK = /[\ue000-\uf8ff]/;

function unescaped(text) {
  return text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
}

/** A link that may be followed: http, https and mail only; anything else is text. */
export function link(address, label) {
  let url;
  try {
    url = new URL(address, location.origin);
  } catch {
    return document.createTextNode(label);
  }
  if (!["http:", "https:", "mailto:"].includes(url.protocol)) return document.createTextNode(label);
  return el("a", { href: url.href, target: "_blank", rel: "noopener noreferrer" }, label);
}

export function mention(id) {
  const name = person(id)?.name;
  return el("span", { class: "mention", data: { user: id } }, `@${name ?? "somebody"}`);
}

export function channelMention(id) {
  const known = channel(id);
  if (!known) return el("span", { class: "mention is-private" }, "🔒 private channel");
  const text = `#${known.name}`;
  if (!known.is_member) return el("span", { class: "mention" }, text);
  return el("a", { class: "mention", href: `#/-/${known.id}` }, text);
}

function bracketed(content) {
  const [what, ...labels] = content.split("|");
  const label = unescaped(labels.join("|"));
  if (what.startsWith("@")) return mention(what.slice(1));
  if (what.startsWith("#")) return channelMention(what.slice(1));
  if (what.startsWith("!date^")) {
    const [, seconds, pattern, address] = what.split("^");
    const text = /^-?\d+$/.test(seconds) ? formatted(seconds, unescaped(pattern)) : label;
    return address ? link(unescaped(address), text) : el("span", { class: "date" }, text);
  }
  if (what.startsWith("!")) {
    const text = label || `@${what.slice(1).split("^")[0]}`;
    return el("span", { class: "mention" }, text);
  }
  const address = unescaped(what);
  return link(address, withEmoji(label) || address.replace(/^mailto:/, ""));
}

class Inline {
  constructor() {
    this.nodes = [];
  }

  mark(node) {
    if (this.nodes.length >= MOST_MARKS) return "";
    this.nodes.push(node);
    return String.fromCharCode(FIRST_MARK + this.nodes.length - 1);
  }

  /** Text with everything that is not emphasis replaced by marks. */
  marked(text) {
    return text
      .replace(/[\ue000-\uf8ff]/g, "")
      .replace(/`([^`\n]+)`/g, (_, code) => this.mark(el("code", {}, unescaped(code))))
      .replace(/<([^<>\n]+)>/g, (_, content) => this.mark(bracketed(content)))
      .replace(/https?:\/\/[^\s<>|\ue000-\uf8ff]*[^\s<>|.,;:!?)'"\ue000-\uf8ff]/g, (address) =>
        this.mark(link(unescaped(address), unescaped(address))));
  }

  nodesOf(text) {
    for (const [pattern, tag] of STYLES) {
      const found = pattern.exec(text);
      if (!found) continue;
      const start = found.index + found[1].length;
      return [
        ...this.nodesOf(text.slice(0, start)),
        el(tag, {}, ...this.nodesOf(found[2])),
        ...this.nodesOf(text.slice(found.index + found[0].length)),
      ];
    }
    return this.plain(text);
  }

  plain(text) {
    return text.split(/([\ue000-\uf8ff]|\n)/).filter(Boolean).map((part) => {
      if (part === "\n") return el("br");
      if (MARK.test(part)) return this.nodes[part.charCodeAt(0) - FIRST_MARK] ?? "";
      return withEmoji(unescaped(part));
    });
  }
}

function inline(text) {
  const marks = new Inline();
  return marks.nodesOf(marks.marked(text));
}

function paragraphs(text) {
  const parts = [];
  for (const line of text.split("\n")) {
    const quoted = /^(?:>|&gt;) ?(.*)$/.exec(line);
    const last = parts.at(-1);
    if (last && last.isQuote === Boolean(quoted)) last.lines.push(quoted ? quoted[1] : line);
    else parts.push({ isQuote: Boolean(quoted), lines: [quoted ? quoted[1] : line] });
  }
  return parts.map(({ isQuote, lines }) => {
    const content = inline(lines.join("\n"));
    return isQuote ? el("blockquote", {}, ...content) : el("span", {}, ...content);
  });
}

/** Nodes for mrkdwn text. */
export function mrkdwn(text) {
  const parts = text.split(/```([\s\S]+?)```/);
  return parts.flatMap((part, at) => {
    if (at % 2) return [el("pre", {}, unescaped(part.replace(/^\n|\n$/g, "")))];
    return part.trim() || parts.length === 1 ? paragraphs(at ? part.replace(/^\n/, "") : part) : [];
  });
}

/** Nodes for a text object, of either type. */
export function textNodes(object) {
  if (!object) return [];
  return object.type === "mrkdwn" ? mrkdwn(object.text) : [plainText(object)];
}

/** A text object as one string, for labels. */
export function plainText(object) {
  if (!object) return "";
  return object.emoji === false ? object.text : withEmoji(object.text);
}

/** Mark-up as what a screen reader would say. */
export function spoken(text) {
  return el("div", {}, ...mrkdwn(text)).textContent;
}
