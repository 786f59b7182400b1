// Talking to the workspace: JSON under /sandbox/.

export class Refused extends Error {}

async function read(response) {
  const answer = await response.json();
  if (!answer.ok) throw new Refused(answer.error);
  return answer;
}

/** What a person sees, once it is another than `version`. */
export async function getFeed({ person, version, waitS, signal }) {
  const query = new URLSearchParams({ after: version, wait_s: String(waitS) });
  if (person) query.set("person", person);
  return read(await fetch(`/sandbox/feed?${query}`, { signal }));
}

/** Do something. Raises Refused with the reason. */
export async function post(name, body) {
  const response = await fetch(`/sandbox/${name}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return read(response);
}

/** Store a file that nobody else sees yet; gives it as the workspace has it. */
export async function upload(person, file) {
  const query = new URLSearchParams({ person, filename: file.name || "picture.png" });
  const response = await fetch(`/sandbox/uploads?${query}`, {
    method: "POST",
    headers: { "content-type": "application/octet-stream" },
    body: file,
  });
  return (await read(response)).file;
}

/** A file's bytes as base64. */
export async function base64(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000)
    text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}

/** The address of a file for a person; `sidePx` asks for a thumbnail. */
export function fileUrl(person, fileId, { sidePx, download } = {}) {
  const query = new URLSearchParams({ person });
  if (sidePx) query.set("side_px", String(sidePx));
  if (download) query.set("download", "1");
  return `/sandbox/files/${encodeURIComponent(fileId)}?${query}`;
}
