-- A listing of a whole channel that goes on where it was, after a failure or a restart.

-- When it began, and down to when all was listed and compared; null while there is none under way.
alter table channels add column listing_began timestamptz;
alter table channels add column listed_down_to timestamptz;
