-- The first schema: everything a NIC needs to be promised, placed and proved, with each rule held by a named constraint.

CREATE EXTENSION IF NOT EXISTS btree_gist; -- lets a text equality take part in a gist index

CREATE TYPE access_role AS ENUM ('reader', 'operator', 'admin');
CREATE TYPE network_type AS ENUM ('managed', 'unmanaged');
CREATE TYPE nic_state AS ENUM ('available', 'attaching', 'in_use', 'detaching');
CREATE TYPE server_state AS ENUM ('pending', 'starting', 'running', 'stopping', 'stopped', 'terminating', 'terminated');
CREATE TYPE guest_kind AS ENUM ('qemu', 'namespace');
CREATE TYPE job_state AS ENUM ('pending', 'working', 'successful', 'failed');

CREATE TABLE project (
  id          text PRIMARY KEY,
  seq         bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  name        text NOT NULL CONSTRAINT project_name_key UNIQUE,
  created_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE access_key (
  id               text PRIMARY KEY,
  seq              bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  project_id       text NOT NULL CONSTRAINT access_key_project_fk REFERENCES project (id),
  name             text NOT NULL DEFAULT '',
  role             access_role NOT NULL,
  token_hash       bytea NOT NULL UNIQUE,   -- SHA-256; the token itself is shown once
  secret_encrypted bytea NOT NULL,          -- AES-256-GCM; signatures need the secret back
  created_at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX access_key_project_seq ON access_key (project_id, seq DESC);

CREATE TABLE zone (
  id text PRIMARY KEY
);

CREATE TABLE hypervisor (
  id           text PRIMARY KEY,
  seq          bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  zone_id      text NOT NULL REFERENCES zone (id),
  token_hash   bytea NOT NULL UNIQUE,
  facts        jsonb NOT NULL DEFAULT '{}',  -- what its worker says of itself
  last_seen_at timestamptz,
  created_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE vpc (
  id          text PRIMARY KEY,
  seq         bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  project_id  text NOT NULL REFERENCES project (id),
  name        text NOT NULL,
  description text NOT NULL DEFAULT '',
  tags        jsonb NOT NULL DEFAULT '{}',
  cidr        cidr NOT NULL,
  generation  integer NOT NULL DEFAULT 1,
  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now(),
  deleted_at  timestamptz,
  live        boolean NOT NULL GENERATED ALWAYS AS (deleted_at IS NULL) STORED,
  CONSTRAINT vpc_cidr_private CHECK (masklen(cidr) = 16 AND
    (cidr <<= '10.0.0.0/8' OR cidr <<= '172.16.0.0/12' OR cidr <<= '192.168.0.0/16')),
  -- Target of network_vpc_fk: a network can only point at a live VPC of its own project, and pins that VPC's CIDR.
  UNIQUE (id, project_id, cidr, live)
);
CREATE INDEX vpc_project_seq ON vpc (project_id, seq DESC);

CREATE SEQUENCE network_vni_seq MINVALUE 4096 MAXVALUE 16777215 CYCLE;

CREATE TABLE network (
  id          text PRIMARY KEY,
  seq         bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  project_id  text NOT NULL REFERENCES project (id),
  name        text NOT NULL,
  description text NOT NULL DEFAULT '',
  tags        jsonb NOT NULL DEFAULT '{}',
  type        network_type NOT NULL,
  vni         integer NOT NULL CONSTRAINT network_vni_key UNIQUE,
  mtu         integer NOT NULL DEFAULT 1500,
  vpc_id      text,
  vpc_cidr    cidr,
  cidr        cidr,
  -- Never false: with it network_vpc_fk refuses both joining a deleted VPC and deleting a joined one.
  vpc_live    boolean GENERATED ALWAYS AS (CASE WHEN vpc_id IS NULL THEN NULL ELSE true END) STORED,
  -- Bit n is 1 while port n+1 is taken. Finding a free port costs the same for the 1st and the 252nd, and taking one
  -- locks this row, so the last free port goes to exactly one of many callers.
  ports       bit(252) NOT NULL DEFAULT repeat('0', 252)::bit(252),
  generation  integer NOT NULL DEFAULT 1,
  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT network_vni_range CHECK (vni BETWEEN 4096 AND 16777215),
  CONSTRAINT network_vpc_with_cidr CHECK (num_nulls(vpc_id, vpc_cidr, cidr) IN (0, 3)),
  CONSTRAINT network_unmanaged_without_vpc CHECK (type = 'managed' OR vpc_id IS NULL),
  CONSTRAINT network_cidr_slash_24 CHECK (masklen(cidr) = 24),
  CONSTRAINT network_cidr_in_vpc CHECK (cidr << vpc_cidr),
  -- 254 networks per VPC: the first and the last /24 of the /16 stay out.
  CONSTRAINT network_cidr_of_254 CHECK ((cidr::inet - vpc_cidr::inet) / 256 BETWEEN 1 AND 254),
  CONSTRAINT network_vpc_fk FOREIGN KEY (vpc_id, project_id, vpc_cidr, vpc_live)
    REFERENCES vpc (id, project_id, cidr, live),
  CONSTRAINT network_vpc_cidr_excl EXCLUDE USING gist (vpc_id WITH =, cidr inet_ops WITH &&),
  UNIQUE (id, project_id),
  UNIQUE (id, cidr)
);
CREATE INDEX network_project_seq ON network (project_id, seq DESC);

CREATE TABLE job (
  id            text PRIMARY KEY,
  seq           bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  project_id    text NOT NULL REFERENCES project (id),
  action        text NOT NULL,
  state         job_state NOT NULL DEFAULT 'pending',
  hypervisor_id text NOT NULL REFERENCES hypervisor (id),
  server_id     text NOT NULL,
  nic_ids       text[] NOT NULL DEFAULT '{}',
  request       jsonb NOT NULL DEFAULT '{}',
  attempts      integer NOT NULL DEFAULT 0,
  steps         jsonb NOT NULL DEFAULT '[]',
  error         text,
  created_at    timestamptz NOT NULL DEFAULT now(),
  started_at    timestamptz,
  finished_at   timestamptz,
  CONSTRAINT job_finished_at_when_final CHECK ((state IN ('successful', 'failed')) = (finished_at IS NOT NULL))
);
CREATE INDEX job_project_seq ON job (project_id, seq DESC);
CREATE INDEX job_server_seq ON job (server_id, seq DESC);
CREATE INDEX job_nic_ids ON job USING gin (nic_ids);
CREATE INDEX job_finished ON job (finished_at) WHERE finished_at IS NOT NULL; -- housekeeping
-- A server's transient state has exactly one live job.
CREATE UNIQUE INDEX job_server_live_key ON job (server_id)
  WHERE state IN ('pending', 'working') AND action LIKE 'server.%';

CREATE TABLE server (
  id            text PRIMARY KEY,
  seq           bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  project_id    text NOT NULL REFERENCES project (id),
  hypervisor_id text NOT NULL REFERENCES hypervisor (id),
  name          text NOT NULL,
  description   text NOT NULL DEFAULT '',
  tags          jsonb NOT NULL DEFAULT '{}',
  guest         guest_kind NOT NULL,
  state         server_state NOT NULL,
  vcpus         integer NOT NULL,
  memory_mb     integer NOT NULL,
  qmp_socket    text,  -- set when a running virtual machine was adopted
  qga_socket    text,
  job_id        text CONSTRAINT server_job_fk REFERENCES job (id),
  last_error    text,
  generation    integer NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL DEFAULT now(),
  updated_at    timestamptz NOT NULL DEFAULT now(),
  deleted_at    timestamptz,
  CONSTRAINT server_job_while_transient CHECK
    ((state IN ('pending', 'starting', 'stopping', 'terminating')) = (job_id IS NOT NULL)),
  CONSTRAINT server_deleted_at_when_terminated CHECK ((state = 'terminated') = (deleted_at IS NOT NULL)),
  CONSTRAINT server_adopted_is_qemu CHECK (guest = 'qemu' OR num_nonnulls(qmp_socket, qga_socket) = 0),
  CONSTRAINT server_qga_with_qmp CHECK (qga_socket IS NULL OR qmp_socket IS NOT NULL),
  CONSTRAINT server_vcpus_range CHECK (vcpus BETWEEN 1 AND 64),
  CONSTRAINT server_memory_range CHECK (memory_mb BETWEEN 128 AND 1048576),
  UNIQUE (id, project_id)
);
CREATE INDEX server_project_seq ON server (project_id, seq DESC);
CREATE INDEX server_job ON server (job_id) WHERE job_id IS NOT NULL;
CREATE INDEX server_hypervisor ON server (hypervisor_id) WHERE state <> 'terminated';
CREATE UNIQUE INDEX server_qmp_socket_key ON server (hypervisor_id, qmp_socket) WHERE state <> 'terminated';

CREATE TABLE nic (
  id           macaddr PRIMARY KEY,
  seq          bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  project_id   text NOT NULL,
  network_id   text NOT NULL,
  network_cidr cidr,      -- pins the network's CIDR: no leave and no renumbering under a NIC
  port         smallint NOT NULL,
  address      inet,
  name         text NOT NULL DEFAULT '',
  description  text NOT NULL DEFAULT '',
  tags         jsonb NOT NULL DEFAULT '{}',
  is_primary   boolean NOT NULL DEFAULT false,
  state        nic_state NOT NULL DEFAULT 'available',
  server_id    text,
  slot         smallint,
  job_id       text CONSTRAINT nic_job_fk REFERENCES job (id),
  last_error   text,
  host_view    jsonb,     -- what the hypervisor's kernel shows
  guest_view   jsonb,     -- what the guest itself shows
  observed_at  timestamptz,
  generation   integer NOT NULL DEFAULT 1,
  created_at   timestamptz NOT NULL DEFAULT now(),
  updated_at   timestamptz NOT NULL DEFAULT now(),
  -- Locally administered, unicast, and distinct in its last four bytes: those name the tap.
  CONSTRAINT nic_mac_ours CHECK (id BETWEEN '52:54:00:00:00:00' AND '52:54:ff:ff:ff:ff'),
  -- A /24 has 256 addresses: less network, gateway (.1), DHCP and metadata (.254) and broadcast = 252. Port p is .(p+1).
  CONSTRAINT nic_port_range CHECK (port BETWEEN 1 AND 252),
  CONSTRAINT nic_network_port_key UNIQUE (network_id, port),
  -- In a network without CIDR there is no address.
  CONSTRAINT nic_address_is_port CHECK
    (address IS NOT DISTINCT FROM set_masklen(network_cidr::inet, 32) + port::bigint + 1),
  CONSTRAINT nic_slot_range CHECK (slot BETWEEN 0 AND 63), -- 64 NICs per server, whoever races
  CONSTRAINT nic_server_slot_key UNIQUE (server_id, slot),
  CONSTRAINT nic_server_with_slot CHECK ((server_id IS NULL) = (slot IS NULL)),
  CONSTRAINT nic_server_unless_available CHECK ((state = 'available') = (server_id IS NULL)),
  -- A primary NIC is slot 0 for life: detaching it breaks this line.
  CONSTRAINT nic_primary_is_slot_0 CHECK (is_primary = (slot IS NOT DISTINCT FROM 0)),
  CONSTRAINT nic_job_while_transient CHECK ((state IN ('attaching', 'detaching')) = (job_id IS NOT NULL)),
  CONSTRAINT nic_network_fk FOREIGN KEY (network_id, project_id) REFERENCES network (id, project_id),
  CONSTRAINT nic_network_cidr_fk FOREIGN KEY (network_id, network_cidr) REFERENCES network (id, cidr),
  CONSTRAINT nic_server_fk FOREIGN KEY (server_id, project_id) REFERENCES server (id, project_id)
);
CREATE UNIQUE INDEX nic_network_address_key ON nic (network_id, address) WHERE address IS NOT NULL;
CREATE INDEX nic_project_seq ON nic (project_id, seq DESC);
CREATE INDEX nic_project_state_seq ON nic (project_id, state, seq DESC);
CREATE INDEX nic_project_name ON nic (project_id, name, seq DESC) WHERE name <> '';
CREATE INDEX nic_job ON nic (job_id) WHERE job_id IS NOT NULL;

-- The next VNI that no network has: after 2^24 networks the sequence starts over and steps on those still in use.
CREATE FUNCTION network_free_vni() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  candidate integer;
BEGIN
  LOOP
    candidate := nextval('network_vni_seq');
    EXIT WHEN NOT EXISTS (SELECT FROM network WHERE vni = candidate);
  END LOOP;
  RETURN candidate;
END $$;

-- Takes `count` ports of a network, in the order asked for: `wanted[i]` names an address, NULL takes the lowest free one.
-- No row when the network is not there or not the project's.
CREATE FUNCTION network_take_ports(net_id text, owner_id text, count integer, wanted inet[])
RETURNS TABLE (n bigint, port smallint, address inet, cidr cidr) LANGUAGE plpgsql AS $$
DECLARE
  net    network%ROWTYPE;
  mask   bit(252);
  chosen smallint[] := array_fill(NULL::smallint, ARRAY[count]);
  pos    bigint;
BEGIN
  SELECT * INTO net FROM network w WHERE w.id = net_id AND w.project_id = owner_id FOR UPDATE;
  IF NOT FOUND THEN RETURN; END IF;
  IF net.type = 'managed' AND net.cidr IS NULL THEN
    RAISE EXCEPTION 'network is not joined' USING ERRCODE = 'check_violation', CONSTRAINT = 'network_joined';
  END IF;
  mask := net.ports;
  FOR i IN 1..count LOOP
    CONTINUE WHEN wanted[i] IS NULL;
    IF net.cidr IS NULL THEN
      RAISE EXCEPTION '%', host(wanted[i]) USING ERRCODE = 'check_violation', CONSTRAINT = 'nic_address_needs_cidr';
    END IF;
    pos := CASE WHEN family(wanted[i]) <> 4 THEN 0 ELSE wanted[i] - net.cidr::inet - 1 END;
    IF pos NOT BETWEEN 1 AND 252 THEN
      RAISE EXCEPTION '%', host(wanted[i]) USING ERRCODE = 'check_violation', CONSTRAINT = 'nic_address_in_range';
    ELSIF get_bit(mask, pos::integer - 1) = 1 THEN
      RAISE EXCEPTION '%', host(wanted[i]) USING ERRCODE = 'unique_violation', CONSTRAINT = 'nic_network_address_key';
    END IF;
    mask := set_bit(mask, pos::integer - 1, 1);
    chosen[i] := pos;
  END LOOP;
  FOR i IN 1..count LOOP
    CONTINUE WHEN chosen[i] IS NOT NULL;
    pos := position(B'0' IN mask);
    IF pos = 0 THEN
      RAISE EXCEPTION '%', bit_count(net.ports)
        USING ERRCODE = 'check_violation', CONSTRAINT = 'network_ports_exhausted';
    END IF;
    mask := set_bit(mask, pos::integer - 1, 1);
    chosen[i] := pos;
  END LOOP;
  UPDATE network w SET ports = mask WHERE w.id = net_id;
  RETURN QUERY SELECT c.n, c.p, CASE WHEN net.cidr IS NOT NULL THEN set_masklen(net.cidr::inet, 32) + c.p::bigint + 1 END,
    net.cidr FROM unnest(chosen) WITH ORDINALITY AS c (p, n);
END $$;

-- The mask of a network's taken ports follows its NICs, whichever statement removes or moves one.
CREATE FUNCTION nic_release_port() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE network SET ports = set_bit(ports, OLD.port - 1, 0) WHERE id = OLD.network_id;
  RETURN NULL;
END $$;
CREATE TRIGGER nic_deleted AFTER DELETE ON nic FOR EACH ROW EXECUTE FUNCTION nic_release_port();
CREATE TRIGGER nic_port_moved AFTER UPDATE OF port ON nic FOR EACH ROW
  WHEN (OLD.port <> NEW.port) EXECUTE FUNCTION nic_release_port();

-- A promise to publish a job on its hypervisor's queue. It stands until the job is final: a message that the queue lost
-- is published again.
CREATE TABLE outbox (
  job_id        text PRIMARY KEY REFERENCES job (id) ON DELETE CASCADE,
  hypervisor_id text NOT NULL,
  created_at    timestamptz NOT NULL DEFAULT now(),
  -- When a relay is to (re)publish it. At first the replica that promises it has it in hand.
  due_at        timestamptz NOT NULL DEFAULT now() + interval '3 seconds'
);
CREATE INDEX outbox_due ON outbox (due_at);

-- What happened, for ever after: who had an address when, who asked for what.
CREATE TABLE event (
  project_id    text NOT NULL,
  -- Transactions commit out of order; readers go by transaction and stop below the oldest one still open, so that a
  -- stream resumed by id misses nothing.
  xid           xid8 NOT NULL DEFAULT pg_current_xact_id(),
  id            bigint GENERATED ALWAYS AS IDENTITY,
  type          text NOT NULL,
  resource_type text NOT NULL,
  resource_id   text NOT NULL,
  address       inet,
  actor         text,
  job_id        text,
  data          jsonb NOT NULL DEFAULT '{}',
  at            timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (project_id, xid, id)
);
CREATE INDEX event_type ON event (project_id, type, xid, id);
CREATE INDEX event_resource ON event (resource_id, xid, id);
CREATE INDEX event_address ON event (address, xid, id) WHERE address IS NOT NULL;

-- The answer given to a POST that carried an Idempotency-Key, for 24 hours.
CREATE TABLE idempotency_key (
  project_id   text NOT NULL REFERENCES project (id),
  key          text NOT NULL,
  request_hash bytea NOT NULL,
  body         jsonb,
  created_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (project_id, key)
);
CREATE INDEX idempotency_key_created ON idempotency_key (created_at); -- housekeeping

-- Small things the replicas share, such as the queue role's password (encrypted).
CREATE TABLE setting (
  name  text PRIMARY KEY,
  value text NOT NULL
);
