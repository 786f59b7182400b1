-- What Slack said is gone. Whoever asked Slack before that, and writes after it, would bring it back:
-- a listing, or the look-up that an event of a moment ago asked for. Rows are of use for as long as
-- such an answer may be under way.
create table retractions (
    team_id text not null references workspaces,
    -- a file alone: deleted; with a channel: not shown there any more as of noted_at
    file_id text not null default '',
    channel_id text not null default '',
    -- with a channel: its message is deleted
    ts text not null default '',
    noted_at timestamptz not null,
    primary key (team_id, file_id, channel_id, ts)
);

-- When somebody had a reason to compare the whole channel: a listing that began before won't do.
alter table channels add column doubted_at timestamptz;
