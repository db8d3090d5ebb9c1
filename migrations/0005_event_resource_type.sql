-- Events are listed by the type of what they are of. Most are of NICs, servers and jobs: those are found without an index,
-- and recording them, which every act waits for, costs no more than before.
CREATE INDEX event_resource_type ON event (project_id, resource_type, xid, id)
  WHERE resource_type NOT IN ('nic', 'server', 'job');
