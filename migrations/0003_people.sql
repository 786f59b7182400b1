-- What people choose, what they were told, and what the bot keeps in Slack.

-- Photos as they arrive in the index, numbered in the order in which that can be seen. Times can't
-- tell: a transaction that commits late has an early one. A photo that is read again keeps its
-- number, one whose file was edited gets another; first_arrival is the first it got.
create sequence photo_arrivals;
alter table photos add column arrival bigint;
alter table photos add column first_arrival bigint;
-- the indexed_at, and what was in the file, when it got its number
alter table photos add column arrived_at timestamptz;
alter table photos add column arrived_hash bytea;
-- Nobody waits for what is there already. What is pending still has no number, and gets one.
update photos
set arrival = 0, first_arrival = 0, arrived_at = indexed_at, arrived_hash = content_hash
where content_hash is not null;
create index photos_unnumbered on photos (team_id, indexed_at)
    where content_hash is not null and content_hash is distinct from arrived_hash;
create index photos_by_arrival on photos (team_id, arrival);

-- An admin took the channel out: it stays so although the bot is still in it.
alter table channels add column kept_out boolean not null default false;

-- Whoever wants to hear of new photos: those whose first arrival is after on_from. Up to looked_to
-- they were looked for.
create table alerts (
    team_id text not null references workspaces,
    user_id text not null,
    on_from bigint not null,
    looked_to bigint not null,
    -- the end of the night in which there was something to tell, or of a pause after a failure
    wait_until timestamptz,
    primary key (team_id, user_id)
);

-- What they heard of, by what is in the file: a repost or a re-index is no news, nor is either after
-- alerts were off for a while. And by the photo, that an edited file is none. No reference to
-- photos: who posts a deleted one again posts nothing new.
create table alerted (
    team_id text not null references workspaces,
    user_id text not null,
    content_hash bytea not null,
    photo_id bigint not null,
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
