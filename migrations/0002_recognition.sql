-- Verdicts, and the change of an index to another engine while searches go on.

-- The engine whose faces are being filled in beside those of engine_id.
alter table workspaces add column next_engine_id text;

-- Which photos have that engine's faces: some have none, so the faces themselves can't tell. What
-- was read of the photo takes the place of the old at the switch.
create table fills (
    team_id text not null,
    photo_id bigint not null,
    engine_id text not null,
    content_hash bytea,
    width_px integer,
    height_px integer,
    -- what else becomes of the photo, and why
    state text check (state in ('unreadable', 'given up')),
    reason text,
    primary key (team_id, photo_id, engine_id),
    foreign key (team_id, photo_id) references photos on delete cascade
);

-- Confirmed faces are read from the verdicts, by whatever engine the index is of.
delete from person_references where kind = 'confirmed';
alter table person_references drop constraint person_references_kind_check;
alter table person_references
    add constraint person_references_kind_check check (kind in ('profile', 'selfie'));

-- A person's word on a face. It names the face by its place in the picture, and the picture by
-- what is in it, so that it holds for faces detected anew and for reposts; a changed file is another
-- picture.
create table verdicts (
    team_id text not null,
    user_id text not null,
    photo_id bigint not null,
    content_hash bytea not null,
    -- x y width height, px of the upright photo at its full size
    box real[] not null check (cardinality(box) = 4),
    verdict text not null check (verdict in ('me', 'not me')),
    given_at timestamptz not null default now(),
    primary key (team_id, user_id, photo_id, box),
    foreign key (team_id, photo_id) references photos on delete cascade
);

create index verdicts_of_photo on verdicts (team_id, photo_id);
create index verdicts_of_content on verdicts (team_id, content_hash);
create index photos_of_content on photos (team_id, content_hash);
