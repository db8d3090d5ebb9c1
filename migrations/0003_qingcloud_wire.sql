-- The QingCloud wire: what its clients ask for that had no place, as data of the domain wherever it means something there.

-- Clients of the wire begin with the first /24 of a VPC. It still has 254 networks: .0 and .254 share a place.
ALTER TABLE network
  DROP CONSTRAINT network_cidr_of_254,
  ADD CONSTRAINT network_cidr_of_254 CHECK ((cidr::inet - vpc_cidr::inet) / 256 BETWEEN 0 AND 254);
CREATE UNIQUE INDEX network_vpc_place_key ON network (vpc_id, (((cidr::inet - vpc_cidr::inet) / 256) % 254));

-- NICs without an address, and addresses without a NIC. Both are counted by masks of the network, as ports are.
ALTER TABLE network
  -- Bit n is 1 while port n+1 is taken by a reserved address; it is 1 in `ports` too.
  ADD COLUMN held        bit(252) NOT NULL DEFAULT repeat('0', 252)::bit(252),
  -- Bit n is 1 while port n+253 is taken: a NIC without address in a network that has some.
  ADD COLUMN unaddressed bit(252) NOT NULL DEFAULT repeat('0', 252)::bit(252),
  ADD COLUMN wire        jsonb NOT NULL DEFAULT '{}', -- what only clients of the QingCloud wire read, here and below
  ADD CONSTRAINT network_held_are_taken CHECK ((held & ~ports) = repeat('0', 252)::bit(252)),
  ADD CONSTRAINT network_nics_limit CHECK (bit_count(ports & ~held) + bit_count(unaddressed) <= 252);
ALTER TABLE nic
  DROP CONSTRAINT nic_port_range,
  DROP CONSTRAINT nic_address_is_port,
  ADD CONSTRAINT nic_port_range CHECK (port BETWEEN 1 AND 504),
  ADD CONSTRAINT nic_address_is_port CHECK (address IS NOT DISTINCT FROM
    CASE WHEN port <= 252 THEN set_masklen(network_cidr::inet, 32) + port::bigint + 1 END),
  ADD CONSTRAINT nic_unaddressed_has_cidr CHECK (port <= 252 OR network_cidr IS NOT NULL);

-- A NIC that was made with its server, or by joining it to a network, is deleted when it leaves: primary NICs, and others.
ALTER TABLE nic ADD COLUMN with_server boolean NOT NULL DEFAULT false;
UPDATE nic SET with_server = true WHERE is_primary;
ALTER TABLE nic
  ADD CONSTRAINT nic_primary_with_server CHECK (with_server OR NOT is_primary),
  ADD CONSTRAINT nic_with_server_on_one CHECK (server_id IS NOT NULL OR NOT with_server);
-- A server is joined to at most one network that has addresses.
CREATE UNIQUE INDEX nic_server_joined_key ON nic (server_id) WHERE with_server AND network_cidr IS NOT NULL;

CREATE TABLE reserved_address (
  id           text PRIMARY KEY,
  seq          bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  project_id   text NOT NULL,
  network_id   text NOT NULL,
  network_cidr cidr NOT NULL, -- pins the network's CIDR, as a NIC does
  port         smallint NOT NULL,
  address      inet NOT NULL,
  name         text NOT NULL DEFAULT '',
  description  text NOT NULL DEFAULT '',
  generation   integer NOT NULL DEFAULT 1,
  created_at   timestamptz NOT NULL DEFAULT now(),
  updated_at   timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT reserved_address_port_range CHECK (port BETWEEN 1 AND 252),
  CONSTRAINT reserved_address_port_key UNIQUE (network_id, port),
  CONSTRAINT reserved_address_is_port CHECK (address = set_masklen(network_cidr::inet, 32) + port::bigint + 1),
  CONSTRAINT reserved_address_network_fk FOREIGN KEY (network_id, project_id) REFERENCES network (id, project_id),
  CONSTRAINT reserved_address_network_cidr_fk FOREIGN KEY (network_id, network_cidr) REFERENCES network (id, cidr)
);
CREATE INDEX reserved_address_project_seq ON reserved_address (project_id, seq DESC);

-- As before, for a purpose: 'nic' takes a port with the address that belongs to it, 'unaddressed' one without, in a
-- network that has addresses (elsewhere they are the same), 'hold' takes an address for a reserved one. `left_port` is that
-- of a NIC which moves within the network: it is given back first, so that a NIC can move in a full network too.
DROP FUNCTION network_take_ports;
CREATE FUNCTION network_take_ports(net_id text, owner_id text, count integer, wanted inet[], purpose text DEFAULT 'nic',
                                   left_port smallint DEFAULT NULL)
RETURNS TABLE (n bigint, port smallint, address inet, cidr cidr, ipv6_cidr cidr) LANGUAGE plpgsql AS $$
DECLARE
  net    network%ROWTYPE;
  bare   boolean;
  mask   bit(252);
  taken  bit(252) := repeat('0', 252)::bit(252);
  chosen smallint[] := array_fill(NULL::smallint, ARRAY[count]);
  pos    bigint;
BEGIN
  SELECT * INTO net FROM network w WHERE w.id = net_id AND w.project_id = owner_id FOR UPDATE;
  IF NOT FOUND THEN RETURN; END IF;
  IF net.type = 'managed' AND net.cidr IS NULL THEN
    RAISE EXCEPTION 'network is not joined' USING ERRCODE = 'check_violation', CONSTRAINT = 'network_joined';
  ELSIF net.cidr IS NULL AND purpose = 'hold' THEN
    RAISE EXCEPTION 'network has no addresses' USING ERRCODE = 'check_violation', CONSTRAINT = 'nic_address_needs_cidr';
  END IF;
  IF left_port <= 252 THEN
    net.ports := set_bit(net.ports, left_port - 1, 0);
  ELSIF left_port > 252 THEN
    net.unaddressed := set_bit(net.unaddressed, left_port - 253, 0);
  END IF;
  bare := purpose = 'unaddressed' AND net.cidr IS NOT NULL;
  mask := CASE WHEN bare THEN net.unaddressed ELSE net.ports | net.reserved END;
  FOR i IN 1..count LOOP
    CONTINUE WHEN wanted[i] IS NULL;
    IF net.cidr IS NULL THEN
      RAISE EXCEPTION '%', host(wanted[i]) USING ERRCODE = 'check_violation', CONSTRAINT = 'nic_address_needs_cidr';
    END IF;
    pos := CASE WHEN family(wanted[i]) <> 4 THEN 0 ELSE wanted[i] - net.cidr::inet - 1 END;
    IF pos NOT BETWEEN 1 AND 252 OR get_bit(net.reserved, pos::integer - 1) = 1 THEN
      RAISE EXCEPTION '%', host(wanted[i]) USING ERRCODE = 'check_violation', CONSTRAINT = 'nic_address_in_range';
    ELSIF get_bit(mask, pos::integer - 1) = 1 THEN
      RAISE EXCEPTION '%', host(wanted[i]) USING ERRCODE = 'unique_violation', CONSTRAINT = 'nic_network_address_key';
    END IF;
    mask := set_bit(mask, pos::integer - 1, 1);
    taken := set_bit(taken, pos::integer - 1, 1);
    chosen[i] := pos;
  END LOOP;
  FOR i IN 1..count LOOP
    CONTINUE WHEN chosen[i] IS NOT NULL;
    pos := position(B'0' IN mask);
    EXIT WHEN bare AND pos = 0; -- more NICs than there can be, see below
    IF pos = 0 THEN
      RAISE EXCEPTION '% of % addresses in use', bit_count(net.ports), 252 - bit_count(net.reserved)
        USING ERRCODE = 'check_violation', CONSTRAINT = 'network_ports_exhausted';
    END IF;
    mask := set_bit(mask, pos::integer - 1, 1);
    taken := set_bit(taken, pos::integer - 1, 1);
    chosen[i] := pos;
  END LOOP;
  -- The same as network_nics_limit, but says how many there are.
  IF purpose <> 'hold' AND bit_count(net.ports & ~net.held) + bit_count(net.unaddressed) + count > 252 THEN
    RAISE EXCEPTION '% of 252 NICs', bit_count(net.ports & ~net.held) + bit_count(net.unaddressed)
      USING ERRCODE = 'check_violation', CONSTRAINT = 'network_ports_exhausted';
  END IF;
  IF bare THEN
    net.unaddressed := net.unaddressed | taken;
  ELSE
    net.ports := net.ports | taken;
    net.held := CASE WHEN purpose = 'hold' THEN net.held | taken ELSE net.held END;
  END IF;
  UPDATE network w SET ports = net.ports, held = net.held, unaddressed = net.unaddressed WHERE w.id = net_id;
  RETURN QUERY SELECT c.n, (CASE WHEN bare THEN c.p + 252 ELSE c.p END)::smallint,
    CASE WHEN net.cidr IS NOT NULL AND NOT bare THEN set_masklen(net.cidr::inet, 32) + c.p::bigint + 1 END,
    net.cidr, net.ipv6_cidr FROM unnest(chosen) WITH ORDINALITY AS c (p, n);
END $$;

CREATE OR REPLACE FUNCTION nic_release_port() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.port <= 252 THEN
    UPDATE network SET ports = set_bit(ports, OLD.port - 1, 0) WHERE id = OLD.network_id;
  ELSE
    UPDATE network SET unaddressed = set_bit(unaddressed, OLD.port - 253, 0) WHERE id = OLD.network_id;
  END IF;
  RETURN NULL;
END $$;
-- Moved within its network, or to another one.
DROP TRIGGER nic_port_moved ON nic;
CREATE TRIGGER nic_port_moved AFTER UPDATE OF port, network_id ON nic FOR EACH ROW
  WHEN ((OLD.network_id, OLD.port) IS DISTINCT FROM (NEW.network_id, NEW.port)) EXECUTE FUNCTION nic_release_port();

CREATE FUNCTION reserved_address_release_port() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE network SET ports = set_bit(ports, OLD.port - 1, 0), held = set_bit(held, OLD.port - 1, 0) WHERE id = OLD.network_id;
  RETURN NULL;
END $$;
CREATE TRIGGER reserved_address_deleted AFTER DELETE ON reserved_address
  FOR EACH ROW EXECUTE FUNCTION reserved_address_release_port();

ALTER TABLE vpc
  ADD COLUMN routing           boolean NOT NULL DEFAULT true, -- whether its router is on
  ADD COLUMN security_group_id text, -- of its router; NULL: the default group
  ADD COLUMN is_basic          boolean NOT NULL DEFAULT false, -- holds the networks of servers that were put in none by name
  ADD COLUMN wire              jsonb NOT NULL DEFAULT '{}',
  ADD CONSTRAINT vpc_security_group_fk FOREIGN KEY (security_group_id, project_id) REFERENCES security_group (id, project_id),
  ADD CONSTRAINT vpc_deleted_without_group CHECK (deleted_at IS NULL OR security_group_id IS NULL);
CREATE UNIQUE INDEX vpc_basic_key ON vpc (project_id) WHERE is_basic AND deleted_at IS NULL;
CREATE INDEX vpc_security_group ON vpc (security_group_id) WHERE security_group_id IS NOT NULL;

ALTER TABLE server ADD COLUMN wire jsonb NOT NULL DEFAULT '{}';
ALTER TABLE elastic_ip ADD COLUMN wire jsonb NOT NULL DEFAULT '{}';
ALTER TABLE port_forwarding ADD COLUMN enabled boolean NOT NULL DEFAULT true;
-- Forwardings and statics are listed of all VPCs of a project too.
CREATE INDEX port_forwarding_project_created ON port_forwarding (project_id, created_at DESC);

-- Rules that were changed and wait to be applied: meanwhile hypervisors enforce these, as they were before the first such
-- change. NULL: they enforce the rules as they stand in security_group_rule.
ALTER TABLE security_group ADD COLUMN in_force jsonb;
-- How a rule was written over the wire: clients compare it with what they read, letter by letter.
ALTER TABLE security_group_rule ADD COLUMN wire jsonb NOT NULL DEFAULT '{}';

-- What a VPC is configured with besides port forwardings: VPN, tunnels, DHCP options, DNS names.
CREATE TABLE vpc_static (
  id         text PRIMARY KEY,
  seq        bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  project_id text NOT NULL,
  vpc_id     text NOT NULL,
  vpc_live   boolean NOT NULL GENERATED ALWAYS AS (vpc_id IS NOT NULL) STORED, -- never false, as in network
  network_id text,
  type       smallint NOT NULL,
  name       text NOT NULL DEFAULT '',
  vals       jsonb NOT NULL DEFAULT '{}', -- val1..val9
  enabled    boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT vpc_static_type CHECK (type BETWEEN 2 AND 8), -- 1 is a port forwarding
  CONSTRAINT vpc_static_vpc_fk FOREIGN KEY (vpc_id, project_id, vpc_live) REFERENCES vpc (id, project_id, live),
  CONSTRAINT vpc_static_network_fk FOREIGN KEY (network_id, project_id) REFERENCES network (id, project_id)
    ON DELETE SET NULL (network_id)
);
CREATE INDEX vpc_static_vpc_seq ON vpc_static (vpc_id, seq DESC);
CREATE INDEX vpc_static_project_created ON vpc_static (project_id, created_at DESC);
CREATE INDEX vpc_static_network ON vpc_static (network_id) WHERE network_id IS NOT NULL;

CREATE TABLE vpc_static_entry (
  id         text PRIMARY KEY,
  seq        bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  project_id text NOT NULL,
  static_id  text NOT NULL CONSTRAINT vpc_static_entry_static_fk REFERENCES vpc_static (id) ON DELETE CASCADE,
  name       text NOT NULL DEFAULT '',
  val1       text NOT NULL DEFAULT '',
  val2       text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX vpc_static_entry_static ON vpc_static_entry (static_id, seq);
CREATE INDEX vpc_static_entry_project_seq ON vpc_static_entry (project_id, seq DESC);

-- Tags with an id and a colour, that are attached to resources; `tags` of a resource itself are key and value.
CREATE TABLE tag (
  id          text PRIMARY KEY,
  seq         bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  project_id  text NOT NULL REFERENCES project (id),
  name        text NOT NULL,
  description text NOT NULL DEFAULT '',
  color       text NOT NULL DEFAULT 'default',
  created_at  timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT tag_color CHECK (color ~* '^(default|#([0-9a-f]{3}|[0-9a-f]{6}))$'),
  UNIQUE (id, project_id)
);
CREATE INDEX tag_project_seq ON tag (project_id, seq DESC);
CREATE TABLE tag_resource (
  tag_id        text NOT NULL,
  project_id    text NOT NULL,
  resource_type text NOT NULL,
  resource_id   text NOT NULL,
  created_at    timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tag_id, resource_type, resource_id),
  CONSTRAINT tag_resource_tag_fk FOREIGN KEY (tag_id, project_id) REFERENCES tag (id, project_id) ON DELETE CASCADE,
  CONSTRAINT tag_resource_type CHECK
    (resource_type IN ('server', 'nic', 'network', 'vpc', 'elastic_ip', 'security_group', 'key_pair'))
);
CREATE INDEX tag_resource_resource ON tag_resource (resource_type, resource_id);

CREATE TABLE key_pair (
  id          text PRIMARY KEY,
  seq         bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  project_id  text NOT NULL REFERENCES project (id),
  name        text NOT NULL DEFAULT '',
  description text NOT NULL DEFAULT '',
  algorithm   text NOT NULL, -- as it stands in the key: ssh-rsa, ssh-dss, ssh-ed25519, ...
  public_key  text NOT NULL, -- base64 only
  created_at  timestamptz NOT NULL DEFAULT now(),
  UNIQUE (id, project_id)
);
CREATE INDEX key_pair_project_seq ON key_pair (project_id, seq DESC);
CREATE TABLE key_pair_server (
  key_pair_id text NOT NULL,
  server_id   text NOT NULL,
  project_id  text NOT NULL,
  PRIMARY KEY (key_pair_id, server_id),
  CONSTRAINT key_pair_server_key_pair_fk FOREIGN KEY (key_pair_id, project_id) REFERENCES key_pair (id, project_id),
  CONSTRAINT key_pair_server_server_fk FOREIGN KEY (server_id, project_id) REFERENCES server (id, project_id)
);
CREATE INDEX key_pair_server_server ON key_pair_server (server_id);

CREATE TABLE user_data (
  id         text PRIMARY KEY,
  seq        bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  project_id text NOT NULL REFERENCES project (id),
  name       text NOT NULL DEFAULT '',
  content    bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT user_data_size CHECK (length(content) <= 2097152)
);
CREATE INDEX user_data_project_seq ON user_data (project_id, seq DESC);

-- What is gone carries no tags, and a terminated server no keys.
CREATE FUNCTION untag() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM tag_resource WHERE resource_type = TG_ARGV[0] AND resource_id = OLD.id::text;
  IF TG_ARGV[0] = 'server' THEN
    DELETE FROM key_pair_server WHERE server_id = OLD.id;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER nic_untagged AFTER DELETE ON nic FOR EACH ROW EXECUTE FUNCTION untag('nic');
CREATE TRIGGER network_untagged AFTER DELETE ON network FOR EACH ROW EXECUTE FUNCTION untag('network');
CREATE TRIGGER elastic_ip_untagged AFTER DELETE ON elastic_ip FOR EACH ROW EXECUTE FUNCTION untag('elastic_ip');
CREATE TRIGGER security_group_untagged AFTER DELETE ON security_group FOR EACH ROW EXECUTE FUNCTION untag('security_group');
CREATE TRIGGER key_pair_untagged AFTER DELETE ON key_pair FOR EACH ROW EXECUTE FUNCTION untag('key_pair');
CREATE TRIGGER server_untagged AFTER UPDATE OF state ON server FOR EACH ROW
  WHEN (NEW.state = 'terminated' AND OLD.state <> 'terminated') EXECUTE FUNCTION untag('server');
CREATE TRIGGER vpc_untagged AFTER UPDATE OF deleted_at ON vpc FOR EACH ROW
  WHEN (NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL) EXECUTE FUNCTION untag('vpc');

-- Traffic of NICs that are on a server: bytes per second, the mean of the time since the sample before.
CREATE TABLE nic_traffic (
  nic_id   macaddr NOT NULL CONSTRAINT nic_traffic_nic_fk REFERENCES nic (id) ON DELETE CASCADE,
  at       timestamptz NOT NULL,
  in_rate  bigint NOT NULL, -- towards the guest
  out_rate bigint NOT NULL,
  PRIMARY KEY (nic_id, at)
);
CREATE INDEX nic_traffic_at ON nic_traffic USING brin (at); -- housekeeping

-- Who promised a job over the wire asked in these words: they are what it is called there.
ALTER TABLE job
  ADD COLUMN asked_action text,
  ADD COLUMN asked        jsonb,
  ADD CONSTRAINT job_asked_whole CHECK ((asked_action IS NULL) = (asked IS NULL));

-- Whether something is still being done about a resource.
CREATE INDEX job_unfinished ON job USING gin (resources jsonb_path_ops) WHERE finished_at IS NULL;

-- Rules are listed of all groups of a project too.
CREATE INDEX security_group_rule_project_seq ON security_group_rule (project_id, seq DESC);

-- The rules of a group as they stood at a time, to go back to: [{name, direction, priority, …}].
CREATE TABLE security_group_snapshot (
  id         text PRIMARY KEY,
  seq        bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  project_id text NOT NULL,
  group_id   text NOT NULL,
  name       text NOT NULL DEFAULT '',
  rules      jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT security_group_snapshot_group_fk FOREIGN KEY (group_id, project_id)
    REFERENCES security_group (id, project_id) ON DELETE CASCADE
);
CREATE INDEX security_group_snapshot_group_seq ON security_group_snapshot (group_id, seq DESC);

-- Addresses or ports under a name. Rules cannot name them yet.
CREATE TABLE ip_set (
  id          text PRIMARY KEY,
  seq         bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  project_id  text NOT NULL REFERENCES project (id),
  name        text NOT NULL DEFAULT '',
  description text NOT NULL DEFAULT '',
  of_ports    boolean NOT NULL,
  val         text NOT NULL, -- 192.168.1.0/24 or 10000-15000, several separated by commas
  created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ip_set_project_seq ON ip_set (project_id, seq DESC);
