-- Several bots in one workspace answer each command once.

-- Commands, clicks and submissions that one of them took, by what tells a copy from a new one.
-- Unlogged: they are of use for minutes. No reference: it would have answers wait for a change of
-- engine, which locks the workspace's row.
create unlogged table deliveries (
    team_id text not null,
    delivery_key text not null,
    taken_at timestamptz not null default now(),
    primary key (team_id, delivery_key)
);

create index deliveries_by_age on deliveries (team_id, taken_at);

-- What was seen in a selfie, until it is kept or used once, and for an hour at most: whichever bot is
-- told next has to know it. Unlogged: it comes into no archive of the log and into no replica.
create unlogged table held_selfies (
    team_id text not null references workspaces,
    token text not null,
    user_id text not null,
    engine_id text not null,
    -- of the picture, which is not kept
    picture_hash text not null,
    embedding halfvec not null,
    quality real not null,
    faces_in_picture integer not null,
    held_at timestamptz not null default now(),
    primary key (team_id, token)
);

create index held_selfies_of_person on held_selfies (team_id, user_id);
