"""What the bot says in plain sentences."""

from bot.blocks.parts import channel_mention, faces, photos
from pipeline.domain.model import ChannelId, IndexCounts

HELP = (
    "*Findme* finds the photos you are in, among those posted in channels that I am in and you can "
    "open.\n"
    "• `/findme` – photos of you, found by your profile picture\n"
    "• `/findme @colleague` – photos of a colleague; "
    "`/findme me @colleague` – of you two together\n"
    "• `/findme in #offsite since monday` – of one channel, or of some days "
    "(`until yesterday`, `since 12 May`)\n"
    "• `/findme sure` – only those I am sure of\n"
    "• `/findme selfie` – find you by a selfie\n"
    "• `/findme my data`, `forget me`, `off` – what I know of you, forgotten, never found\n"
    "Only you see the answers. My *Home* tab shows what I know about you, and tells you of new "
    "photos if you like. Photos and faces stay on your company's own machines."
)


def welcome(channel_id: ChannelId) -> str:
    """What the bot says when it comes into a channel."""
    return (
        f"Hi! I look for faces in the photos posted in {channel_mention(channel_id)}. Type "
        "`/findme` and I show you those that you are in; only you will see the answer. "
        "Photos and faces stay on your company's own machines."
    )


def bar(done: int, total: int) -> str:
    """How far something is; it is full only at the end."""
    filled = 10 * done // total if total else 10
    return "▰" * filled + "▱" * (10 - filled)


def reindex_progress(counts: IndexCounts, *, listed: bool) -> str:
    """What the message of a running re-index says."""
    done = counts.photos - counts.pending
    if not listed:
        return f"🔄 Re-indexing: looking for photos… {counts.photos:,} so far."
    progress = f"{bar(done, counts.photos)} {done:,} of {counts.photos:,}"
    return f"🔄 Re-indexing: {progress} photos."


def reindex_done(counts: IndexCounts) -> str:
    """What it says in the end."""
    failed = ""
    if counts.unreadable:
        failed += f", {counts.unreadable:,} unreadable"
    if counts.given_up:
        failed += f", {counts.given_up:,} given up"
    return (
        f"✅ Re-indexed: {photos(counts.indexed)} with {faces(counts.faces)}, "
        f"{counts.without_face:,} without a face{failed}. "
        "`/findme-admin status` has the details."
    )
