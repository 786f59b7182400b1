// rich_text blocks: sections, lists, quotes, preformatted text.
import { el } from "./dom.js";
import { emoji } from "./emoji.js";
import { formatted } from "./dates.js";
import { channelMention, link, mention } from "./mrkdwn.js";

function styled(node, style = {}) {
  const tags = { code: "code", bold: "strong", italic: "em", strike: "del", underline: "u" };
  return Object.entries(tags).reduce(
    (inner, [name, tag]) => (style[name] ? el(tag, {}, inner) : inner),
    node,
  );
}

function inner(part) {
  switch (part.type) {
    case "text": return part.text;
    case "link": return link(part.url, part.text || part.url);
    case "user": return mention(part.user_id);
    case "channel": return channelMention(part.channel_id);
    case "emoji": return emoji(part.name) ?? `:${part.name}:`;
    case "date": return formatted(part.timestamp, part.format);
    case "broadcast": return el("span", { class: "mention" }, `@${part.range}`);
    case "color": return part.value;
    default: return part.text ?? "";
  }
}

function inline(parts = []) {
  return parts.map((part) => styled(inner(part), part.style));
}

function piece(element) {
  switch (element.type) {
    case "rich_text_list": {
      const tag = element.style === "ordered" ? "ol" : "ul";
      const items = element.elements.map((each) => el("li", {}, ...inline(each.elements)));
      return el(tag, { class: `indent-${Math.min(element.indent ?? 0, 4)}` }, ...items);
    }
    case "rich_text_quote": return el("blockquote", {}, ...inline(element.elements));
    case "rich_text_preformatted": return el("pre", {}, ...inline(element.elements));
    default: return el("p", {}, ...inline(element.elements));
  }
}

/** A rich_text block. */
export function richText(block) {
  return el("div", { class: "rich-text" }, ...block.elements.map(piece));
}
