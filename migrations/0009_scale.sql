-- Faces in the order of their hashes: the first of them are a random sample, and tell how many
-- there are.
create index faces_at_random on faces (team_id, engine_id, hashint8(face_id));

-- The newest photos, of hundreds of thousands.
create index photos_newest on photos (team_id, posted_at desc, photo_id desc)
    where state = 'indexed';
