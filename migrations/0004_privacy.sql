-- What people allow, who asked whom, whose faces are never kept, and what was done, for good.

-- What somebody decided. Nobody decides for them: without a row nothing was said.
create table people (
    team_id text not null references workspaces,
    user_id text not null,
    -- they read how Findme works, with their first answer
    told_at timestamptz,
    -- whether colleagues may look for them, and since when
    colleagues text check (colleagues in ('allowed', 'refused')),
    colleagues_at timestamptz,
    -- they turned Findme off: nobody finds them, they themselves included
    out_at timestamptz,
    primary key (team_id, user_id)
);

-- A colleague wants to look for somebody: the question waits for that person's word. A question for
-- several people has a row for each of them.
create table consent_requests (
    team_id text not null references workspaces,
    request_id bigint generated always as identity,
    asker_id text not null,
    person_id text not null,
    -- everybody whom the question is about, in order of their ids
    people text[] not null,
    -- as a button carries it; the same for each of several people
    question text not null,
    asked_at timestamptz not null default now(),
    -- the message with the buttons; none if the person was not bothered once more
    told_at timestamptz,
    answer text check (answer in ('once', 'allowed', 'refused')),
    answered_at timestamptz,
    -- the asker's answer is on its way since then; if it stays so, whoever sent it died
    sending_at timestamptz,
    -- nothing is left to be sent
    done_at timestamptz,
    primary key (team_id, request_id)
);

create unique index one_open_request on consent_requests (team_id, asker_id, person_id, question)
    where done_at is null;
create index requests_to_person on consent_requests (team_id, person_id, asked_at);

-- The one template that keeps somebody's face out of the index: faces as close as this are dropped.
create table opt_outs (
    team_id text not null references workspaces,
    user_id text not null,
    engine_id text not null,
    embedding halfvec not null,
    max_distance real not null,
    made_at timestamptz not null default now(),
    primary key (team_id, user_id, engine_id)
);

-- References that nobody needed for long expire.
alter table person_references add column used_at timestamptz not null default now();

-- Who did what to whom, and when. No embedding, no name, no text of anybody's; never changed.
create table audit (
    -- no reference: it outlives its workspace
    team_id text not null,
    audit_id bigint generated always as identity,
    at timestamptz not null default now(),
    -- null: Findme by itself
    actor_id text,
    act text not null,
    -- whom it is about, if it is about somebody
    person_id text,
    -- counts, channels, policies
    details jsonb not null default '{}',
    primary key (team_id, audit_id)
);

create index audit_of_person on audit (team_id, person_id) where person_id is not null;
create index audit_of_actor on audit (team_id, actor_id) where actor_id is not null;

create function audit_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'the audit table is append-only';
end
$$;

create trigger audit_is_append_only before update or delete or truncate on audit
    for each statement execute function audit_is_append_only();
