-- Photos by state, and what was read in the last minutes, without a look at the photos: /metrics and
-- `findme status` ask for both while millions of them are there.

create index photos_by_state on photos (team_id, state, indexed_at);
