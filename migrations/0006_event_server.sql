-- The history of a server is also that of its cards and jobs, whose events name it. Of one expression, that a page may be
-- read in order from one index; events that are of no server are not in it, and recording them costs no more than before.
CREATE INDEX event_server ON event ((CASE resource_type WHEN 'server' THEN resource_id ELSE data ->> 'server_id' END), xid, id)
  WHERE CASE resource_type WHEN 'server' THEN resource_id ELSE data ->> 'server_id' END IS NOT NULL;
