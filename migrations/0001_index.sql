-- The index: workspaces, channels, photos, shares, faces, references, runs.
-- Every key starts with team_id, and every query names one: a workspace is the unit that moves.

create extension if not exists vector;

create table workspaces (
    team_id text primary key,
    engine_id text,
    created_at timestamptz not null default now()
);

create table channels (
    team_id text not null references workspaces,
    channel_id text not null,
    name text not null,
    watched boolean not null default true,
    -- new photos: nothing before this need be listed again
    listed_until timestamptz,
    -- deleted photos: when the whole channel was compared with the index
    compared_at timestamptz,
    -- why the last listing failed
    problem text,
    primary key (team_id, channel_id)
);

create table runs (
    team_id text not null references workspaces,
    run_id bigint generated always as identity,
    requested_by text,
    notice_channel text,
    notice_ts text,
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    primary key (team_id, run_id)
);

create unique index one_open_run on runs (team_id) where finished_at is null;

create table run_channels (
    team_id text not null,
    run_id bigint not null,
    channel_id text not null,
    listed boolean not null default false,
    primary key (team_id, run_id, channel_id),
    foreign key (team_id, run_id) references runs on delete cascade
);

create table photos (
    team_id text not null references workspaces,
    photo_id bigint generated always as identity,
    file_id text not null,
    name text not null,
    media_type text not null,
    url text,
    version text not null,
    posted_by text,
    posted_at timestamptz not null,
    state text not null default 'pending'
        check (state in ('pending', 'indexed', 'unreadable', 'given up')),
    reason text,
    engine_id text,
    content_hash bytea,
    width_px integer,
    height_px integer,
    run_id bigint,
    indexed_at timestamptz,
    primary key (team_id, photo_id),
    unique (team_id, file_id)
);

create index photos_pending on photos (team_id, photo_id) where state = 'pending';
create index photos_of_run on photos (team_id, run_id) where run_id is not null;

create table shares (
    team_id text not null,
    channel_id text not null,
    photo_id bigint not null,
    ts text not null,
    permalink text not null,
    shared_by text,
    shared_at timestamptz not null,
    primary key (team_id, channel_id, photo_id, ts),
    foreign key (team_id, photo_id) references photos on delete cascade
);

create index shares_of_photo on shares (team_id, photo_id);

create table faces (
    team_id text not null,
    face_id bigint generated always as identity,
    photo_id bigint not null,
    engine_id text not null,
    -- x y width height, px of the upright photo as it was read
    box real[] not null check (cardinality(box) = 4),
    -- x y of eyes, nose, mouth corners
    landmarks real[] not null check (cardinality(landmarks) = 10),
    score real not null,
    quality real not null,
    -- unit length; its dimension is the engine's
    embedding halfvec not null,
    primary key (team_id, face_id),
    foreign key (team_id, photo_id) references photos on delete cascade
);

create index faces_of_photo on faces (team_id, photo_id);

create table person_references (
    team_id text not null references workspaces,
    user_id text not null,
    engine_id text not null,
    kind text not null check (kind in ('profile', 'selfie', 'confirmed')),
    -- what it was made from: a profile picture's hash
    origin text not null,
    embedding halfvec not null,
    quality real not null,
    faces_in_picture integer not null,
    created_at timestamptz not null default now(),
    primary key (team_id, user_id, engine_id, kind, origin)
);
