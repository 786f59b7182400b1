-- What people choose, what they were told, and what the bot keeps in Slack.

-- When a photo came into the index for the first time: a re-index changes nothing of it.
alter table photos add column added_at timestamptz not null default now();

-- An admin took the channel out: it stays so although the bot is still in it.
alter table channels add column excluded boolean not null default false;

-- Whoever wants to hear of new photos, since when, and up to which photos they were looked for.
create table alerts (
    team_id text not null references workspaces,
    user_id text not null,
    turned_on_at timestamptz not null,
    checked_until timestamptz not null,
    primary key (team_id, user_id)
);

-- What they heard of, by what is in the file: a repost or a re-index is no news, nor is either after
-- alerts were off for a while.
create table alerted (
    team_id text not null references workspaces,
    user_id text not null,
    content_hash bytea not null,
    alerted_at timestamptz not null default now(),
    primary key (team_id, user_id, content_hash)
);

-- Pictures in a format that Slack shows, of photos in one that it doesn't: files of the bot's own,
-- shared nowhere. No reference to photos, since their file in Slack has to go after they did.
create table thumbnails (
    team_id text not null references workspaces,
    photo_id bigint not null,
    version text not null,
    thumbnail_file_id text not null,
    primary key (team_id, photo_id, version)
);
