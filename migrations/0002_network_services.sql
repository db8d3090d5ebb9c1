-- The network around a NIC: network modes and IPv6, security groups, elastic IPs, port forwarding, bandwidth, DHCP options.

CREATE TYPE network_mode AS ENUM ('routed', 'isolated', 'bridged');
CREATE TYPE rule_direction AS ENUM ('in', 'out');
CREATE TYPE rule_action AS ENUM ('accept', 'drop');
CREATE TYPE rule_protocol AS ENUM ('all', 'tcp', 'udp', 'icmp', 'icmpv6', 'gre', 'esp', 'ah', 'ipip');
CREATE TYPE forwarded_protocol AS ENUM ('tcp', 'udp');

-- The address that a host forms by itself in a /64 (RFC 4291, appendix A): the same that the kernels of guests form.
CREATE FUNCTION eui64_address(prefix cidr, mac macaddr) RETURNS inet LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT set_masklen(prefix::inet, 128)
    + ((('x' || replace(mac::macaddr8::text, ':', ''))::bit(64)::bigint) # (1::bigint << 57))
$$;

ALTER TABLE network
  ADD COLUMN mode          network_mode NOT NULL DEFAULT 'routed',
  ADD COLUMN interface     text,  -- of the hypervisors, when bridged
  ADD COLUMN gateway       inet,  -- of the segment, when bridged; a routed network's is .1 of its CIDR
  -- Bit n is 1 while port n+1 is not to be given out: on a bridged segment most addresses belong to others.
  ADD COLUMN reserved      bit(252) NOT NULL DEFAULT repeat('0', 252)::bit(252),
  ADD COLUMN ipv6_cidr     cidr,
  ADD COLUMN lease_seconds integer NOT NULL DEFAULT 86400,
  ADD COLUMN dns_servers   inet[] NOT NULL DEFAULT '{}',
  ADD COLUMN domain        text;
UPDATE network SET mode = 'isolated' WHERE type = 'unmanaged';
ALTER TABLE network
  DROP CONSTRAINT network_vpc_with_cidr,
  DROP CONSTRAINT network_unmanaged_without_vpc,
  ADD CONSTRAINT network_routed_is_managed CHECK (mode <> 'routed' OR type = 'managed'),
  ADD CONSTRAINT network_vpc_with_cidr CHECK
    (CASE mode WHEN 'routed' THEN num_nulls(vpc_id, vpc_cidr, cidr) IN (0, 3) ELSE num_nonnulls(vpc_id, vpc_cidr) = 0 END),
  -- Managed: its addresses are given out by us. Without a VPC to take them from, the network itself has to say which.
  ADD CONSTRAINT network_cidr_if_managed CHECK (mode = 'routed' OR (type = 'managed') = (cidr IS NOT NULL)),
  ADD CONSTRAINT network_cidr_of_mode CHECK
    (CASE mode WHEN 'isolated' THEN cidr <<= '10.0.0.0/8' OR cidr <<= '172.16.0.0/12' OR cidr <<= '192.168.0.0/16'
       WHEN 'bridged' THEN family(cidr) = 4 AND NOT
         (cidr <<= '0.0.0.0/8' OR cidr <<= '127.0.0.0/8' OR cidr <<= '169.254.0.0/16' OR cidr <<= '224.0.0.0/3') END),
  ADD CONSTRAINT network_interface_if_bridged CHECK ((mode = 'bridged') = (interface IS NOT NULL)),
  ADD CONSTRAINT network_interface_name CHECK (interface ~ '^[A-Za-z0-9_.-]{1,15}$'),
  ADD CONSTRAINT network_gateway_in_cidr CHECK
    (gateway IS NULL OR (mode = 'bridged' AND cidr IS NOT NULL AND gateway <<= cidr AND masklen(gateway) = 32)),
  ADD CONSTRAINT network_mtu_range CHECK (mtu BETWEEN 1280 AND 9000), -- 1280: the least that IPv6 lives with (RFC 8200)
  ADD CONSTRAINT network_ipv6_slash_64 CHECK (family(ipv6_cidr) = 6 AND masklen(ipv6_cidr) = 64),
  ADD CONSTRAINT network_ipv6_unicast CHECK (ipv6_cidr <<= '2000::/3' OR ipv6_cidr <<= 'fc00::/7'),
  ADD CONSTRAINT network_ipv6_routed CHECK (ipv6_cidr IS NULL OR vpc_id IS NOT NULL),
  ADD CONSTRAINT network_ipv6_excl EXCLUDE USING gist (vpc_id WITH =, ipv6_cidr inet_ops WITH &&),
  ADD CONSTRAINT network_lease_range CHECK (lease_seconds BETWEEN 120 AND 31536000),
  ADD CONSTRAINT network_dns_servers_few CHECK (cardinality(dns_servers) <= 3),
  ADD CONSTRAINT network_domain_name CHECK (domain ~ '^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'
    AND length(domain) <= 253);

-- As before, and passes over the reserved ports; gives the network's IPv6 prefix beside its CIDR.
DROP FUNCTION network_take_ports;
CREATE FUNCTION network_take_ports(net_id text, owner_id text, count integer, wanted inet[])
RETURNS TABLE (n bigint, port smallint, address inet, cidr cidr, ipv6_cidr cidr) LANGUAGE plpgsql AS $$
DECLARE
  net    network%ROWTYPE;
  mask   bit(252);
  taken  bit(252) := repeat('0', 252)::bit(252);
  chosen smallint[] := array_fill(NULL::smallint, ARRAY[count]);
  pos    bigint;
BEGIN
  SELECT * INTO net FROM network w WHERE w.id = net_id AND w.project_id = owner_id FOR UPDATE;
  IF NOT FOUND THEN RETURN; END IF;
  IF net.type = 'managed' AND net.cidr IS NULL THEN
    RAISE EXCEPTION 'network is not joined' USING ERRCODE = 'check_violation', CONSTRAINT = 'network_joined';
  END IF;
  mask := net.ports | net.reserved;
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
    IF pos = 0 THEN
      RAISE EXCEPTION '% of %', bit_count(net.ports), 252 - bit_count(net.reserved)
        USING ERRCODE = 'check_violation', CONSTRAINT = 'network_ports_exhausted';
    END IF;
    mask := set_bit(mask, pos::integer - 1, 1);
    taken := set_bit(taken, pos::integer - 1, 1);
    chosen[i] := pos;
  END LOOP;
  UPDATE network w SET ports = net.ports | taken WHERE w.id = net_id;
  RETURN QUERY SELECT c.n, c.p, CASE WHEN net.cidr IS NOT NULL THEN set_masklen(net.cidr::inet, 32) + c.p::bigint + 1 END,
    net.cidr, net.ipv6_cidr FROM unnest(chosen) WITH ORDINALITY AS c (p, n);
END $$;

ALTER TABLE nic
  ADD COLUMN ipv6_address          inet,
  ADD COLUMN anti_spoofing         boolean NOT NULL DEFAULT true,
  ADD COLUMN allowed_address_pairs jsonb NOT NULL DEFAULT '[]', -- [{address, mac?}]
  ADD COLUMN bandwidth_in_mbps     integer,
  ADD COLUMN bandwidth_out_mbps    integer,
  -- Whether the default group of its project is among its security groups: kept by triggers on nic_security_group.
  ADD COLUMN in_default_group      boolean NOT NULL DEFAULT true,
  ADD CONSTRAINT nic_ipv6_is_eui64 CHECK
    (ipv6_address = eui64_address(network(set_masklen(ipv6_address, 64))::cidr, id)),
  ADD CONSTRAINT nic_address_pairs_few CHECK (jsonb_array_length(allowed_address_pairs) <= 10),
  ADD CONSTRAINT nic_bandwidth_range CHECK
    (bandwidth_in_mbps BETWEEN 1 AND 100000 AND bandwidth_out_mbps BETWEEN 1 AND 100000);
CREATE INDEX nic_ipv6_address ON nic (ipv6_address) WHERE ipv6_address IS NOT NULL;
CREATE INDEX nic_default_group_seq ON nic (project_id, seq DESC) WHERE in_default_group;

-- A network's prefix comes, goes or changes: so do the addresses of its NICs.
CREATE FUNCTION network_renumber_ipv6() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE nic SET ipv6_address = eui64_address(NEW.ipv6_cidr, id), generation = generation + 1, updated_at = now()
    WHERE network_id = NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER network_ipv6_changed AFTER UPDATE OF ipv6_cidr ON network FOR EACH ROW
  WHEN (OLD.ipv6_cidr IS DISTINCT FROM NEW.ipv6_cidr) EXECUTE FUNCTION network_renumber_ipv6();

ALTER TABLE server
  ADD COLUMN dhcp_options jsonb NOT NULL DEFAULT '{}', -- option number → value
  ADD CONSTRAINT server_dhcp_options_object CHECK (jsonb_typeof(dhcp_options) = 'object');

ALTER TABLE vpc
  ADD COLUMN source_nat boolean NOT NULL DEFAULT true,
  ADD UNIQUE (id, project_id, live);

CREATE TABLE security_group (
  id          text PRIMARY KEY,
  seq         bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  project_id  text NOT NULL REFERENCES project (id),
  name        text NOT NULL,
  description text NOT NULL DEFAULT '',
  tags        jsonb NOT NULL DEFAULT '{}',
  is_default  boolean NOT NULL DEFAULT false,
  rule_count  integer NOT NULL DEFAULT 0, -- kept by triggers
  generation  integer NOT NULL DEFAULT 1, -- changes with the rules too: workers go by it
  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT security_group_rules_limit CHECK (rule_count <= 1000),
  UNIQUE (id, project_id)
);
CREATE INDEX security_group_project_seq ON security_group (project_id, seq DESC);
CREATE UNIQUE INDEX security_group_default_key ON security_group (project_id) WHERE is_default;

CREATE TABLE security_group_rule (
  id              text PRIMARY KEY,
  seq             bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  group_id        text NOT NULL,
  project_id      text NOT NULL,
  name            text NOT NULL DEFAULT '',
  direction       rule_direction NOT NULL,
  priority        smallint NOT NULL,
  action          rule_action NOT NULL,
  protocol        rule_protocol NOT NULL,
  port_first      integer,
  port_last       integer,
  icmp_type       smallint,
  icmp_code       smallint,
  remote_cidr     cidr,
  remote_group_id text,
  created_at      timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT security_group_rule_group_fk FOREIGN KEY (group_id, project_id)
    REFERENCES security_group (id, project_id) ON DELETE CASCADE,
  CONSTRAINT security_group_rule_remote_fk FOREIGN KEY (remote_group_id, project_id)
    REFERENCES security_group (id, project_id),
  CONSTRAINT security_group_rule_priority_range CHECK (priority BETWEEN 0 AND 100),
  CONSTRAINT security_group_rule_ports_of_tcp_udp CHECK (protocol IN ('tcp', 'udp') OR num_nonnulls(port_first, port_last) = 0),
  CONSTRAINT security_group_rule_ports_range CHECK
    (num_nulls(port_first, port_last) IN (0, 2) AND port_first BETWEEN 1 AND port_last AND port_last <= 65535),
  CONSTRAINT security_group_rule_icmp_only CHECK
    (protocol IN ('icmp', 'icmpv6') OR num_nonnulls(icmp_type, icmp_code) = 0),
  CONSTRAINT security_group_rule_icmp_range CHECK
    (icmp_type BETWEEN 0 AND 255 AND icmp_code BETWEEN 0 AND 255 AND (icmp_code IS NULL OR icmp_type IS NOT NULL)),
  CONSTRAINT security_group_rule_one_remote CHECK (num_nonnulls(remote_cidr, remote_group_id) <= 1),
  CONSTRAINT security_group_rule_family CHECK
    (CASE protocol WHEN 'icmp' THEN family(remote_cidr) = 4 WHEN 'icmpv6' THEN family(remote_cidr) = 6
       WHEN 'ipip' THEN family(remote_cidr) = 4 END)
);
CREATE INDEX security_group_rule_group ON security_group_rule (group_id, seq);
CREATE INDEX security_group_rule_remote ON security_group_rule (remote_group_id) WHERE remote_group_id IS NOT NULL;

CREATE FUNCTION security_group_rules_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  sign integer := CASE TG_OP WHEN 'INSERT' THEN 1 WHEN 'DELETE' THEN -1 ELSE 0 END;
BEGIN
  UPDATE security_group g SET rule_count = rule_count + sign * c.n, generation = generation + 1, updated_at = now()
    FROM (SELECT group_id, count(*)::integer AS n FROM changed GROUP BY group_id) c WHERE g.id = c.group_id;
  RETURN NULL;
END $$;
CREATE TRIGGER security_group_rule_added AFTER INSERT ON security_group_rule
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION security_group_rules_changed();
CREATE TRIGGER security_group_rule_changed AFTER UPDATE ON security_group_rule
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION security_group_rules_changed();
CREATE TRIGGER security_group_rule_removed AFTER DELETE ON security_group_rule
  REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION security_group_rules_changed();

-- The groups of a NIC. One without rows here is in the default group of its project: making NICs costs nothing more.
CREATE TABLE nic_security_group (
  nic_id     macaddr NOT NULL CONSTRAINT nic_security_group_nic_fk REFERENCES nic (id) ON DELETE CASCADE,
  group_id   text NOT NULL,
  project_id text NOT NULL,
  PRIMARY KEY (nic_id, group_id),
  CONSTRAINT nic_security_group_group_fk FOREIGN KEY (group_id, project_id) REFERENCES security_group (id, project_id)
);
CREATE INDEX nic_security_group_group ON nic_security_group (group_id);

CREATE FUNCTION nic_groups_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE nic SET in_default_group = NOT in_default_group
    WHERE id = ANY (ARRAY(SELECT nic_id FROM changed)) -- an array: by the index, whatever the statistics say
      AND in_default_group IS DISTINCT FROM (
        SELECT count(*) = 0 OR bool_or(g.group_id = 'sg-' || substr(nic.project_id, 5))
        FROM nic_security_group g WHERE g.nic_id = nic.id);
  RETURN NULL;
END $$;
CREATE TRIGGER nic_groups_added AFTER INSERT ON nic_security_group
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION nic_groups_changed();
CREATE TRIGGER nic_groups_removed AFTER DELETE ON nic_security_group
  REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION nic_groups_changed();

-- Every project has its default group: its members talk among themselves, and reach out; nothing else comes in. Its id
-- is that of the project with another prefix.
ALTER TABLE project ADD CONSTRAINT project_id_form CHECK (id ~ '^prj-[a-z0-9]+$');
CREATE FUNCTION make_default_group(owner_id text) RETURNS void LANGUAGE sql AS $$
  INSERT INTO security_group (id, project_id, name, is_default) VALUES ('sg-' || substr(owner_id, 5), owner_id, 'default', true);
  INSERT INTO security_group_rule (id, group_id, project_id, name, direction, priority, action, protocol, remote_group_id)
  SELECT 'sgr-' || substr(owner_id, 5) || r.letter, 'sg-' || substr(owner_id, 5), owner_id, r.name, r.direction::rule_direction,
    100, 'accept', 'all', CASE r.direction WHEN 'in' THEN 'sg-' || substr(owner_id, 5) END
  FROM (VALUES ('o', 'all out', 'out'), ('i', 'members in', 'in')) AS r (letter, name, direction)
$$;
CREATE FUNCTION project_made() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM make_default_group(NEW.id);
  RETURN NULL;
END $$;
CREATE TRIGGER project_made AFTER INSERT ON project FOR EACH ROW EXECUTE FUNCTION project_made();
CREATE FUNCTION project_going() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM security_group WHERE project_id = OLD.id AND is_default;
  RETURN OLD;
END $$;
CREATE TRIGGER project_going BEFORE DELETE ON project FOR EACH ROW EXECUTE FUNCTION project_going();
SELECT make_default_group(id) FROM project;

-- Public addresses of one segment that hypervisors reach by one interface.
CREATE TABLE elastic_ip_pool (
  id         text PRIMARY KEY,
  seq        bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  name       text NOT NULL CONSTRAINT elastic_ip_pool_name_key UNIQUE,
  cidr       cidr NOT NULL,
  gateway    inet NOT NULL,
  first      inet NOT NULL,
  last       inet NOT NULL,
  interface  text NOT NULL,
  generation integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT elastic_ip_pool_size CHECK (family(cidr) = 4 AND masklen(cidr) BETWEEN 16 AND 30),
  CONSTRAINT elastic_ip_pool_range CHECK
    (first << cidr AND last << cidr AND first <= last AND host(first) <> host(network(cidr)) AND host(last) <> host(broadcast(cidr))),
  CONSTRAINT elastic_ip_pool_gateway CHECK (gateway << cidr AND NOT gateway BETWEEN first AND last
    AND host(gateway) <> host(network(cidr)) AND host(gateway) <> host(broadcast(cidr))),
  CONSTRAINT elastic_ip_pool_unicast CHECK
    (NOT (cidr <<= '0.0.0.0/8' OR cidr <<= '127.0.0.0/8' OR cidr <<= '169.254.0.0/16' OR cidr <<= '224.0.0.0/3')),
  CONSTRAINT elastic_ip_pool_interface_name CHECK (interface ~ '^[A-Za-z0-9_.-]{1,15}$'),
  CONSTRAINT elastic_ip_pool_cidr_excl EXCLUDE USING gist (cidr inet_ops WITH &&)
);

-- Which addresses of an interface's segment are whose: those that pools and bridged networks give out, and the gateways.
-- One address twice would be two machines with one address; only the gateway may be the same machine for several.
CREATE TABLE segment_claim (
  owner      text NOT NULL, -- a pool or a network, whose triggers keep this
  interface  text NOT NULL,
  addresses  int8range NOT NULL, -- as numbers
  is_gateway boolean NOT NULL,
  CONSTRAINT segment_claim_excl EXCLUDE USING gist
    (interface WITH =, addresses WITH &&, (CASE WHEN is_gateway THEN 'gateway' ELSE owner END) WITH <>)
);
CREATE INDEX segment_claim_owner ON segment_claim (owner);

-- Claims addresses in place of what the owner had. Returns what is taken, 'range' or 'gateway'; nothing when all is well.
CREATE FUNCTION claim_segment(owner_id text, on_interface text, given int8multirange, gateway inet) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  taken text;
BEGIN
  LOCK TABLE segment_claim IN SHARE ROW EXCLUSIVE MODE; -- two that want the same wait here, and not for each other
  DELETE FROM segment_claim WHERE owner = owner_id;
  taken := 'range';
  INSERT INTO segment_claim SELECT owner_id, on_interface, r, false FROM unnest(given) AS r;
  taken := 'gateway';
  INSERT INTO segment_claim
    SELECT owner_id, on_interface, int8range(n, n, '[]'), true FROM (SELECT gateway - inet '0.0.0.0' AS n) AS g
    WHERE gateway IS NOT NULL;
  RETURN NULL;
EXCEPTION WHEN exclusion_violation THEN
  RETURN taken;
END $$;

CREATE FUNCTION elastic_ip_pool_claims() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  CASE claim_segment(NEW.id, NEW.interface,
    int8multirange(int8range(NEW.first - inet '0.0.0.0', NEW.last - inet '0.0.0.0', '[]')), NEW.gateway)
  WHEN 'range' THEN
    RAISE EXCEPTION 'range is taken' USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'elastic_ip_pool_range_free';
  WHEN 'gateway' THEN
    RAISE EXCEPTION 'gateway is taken' USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'elastic_ip_pool_gateway_free';
  ELSE RETURN NULL;
  END CASE;
END $$;
CREATE TRIGGER elastic_ip_pool_claims AFTER INSERT OR UPDATE OF interface, first, last, gateway ON elastic_ip_pool
  FOR EACH ROW EXECUTE FUNCTION elastic_ip_pool_claims();

CREATE FUNCTION network_claims() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  CASE claim_segment(NEW.id, NEW.interface,
    (SELECT range_agg(int8range(a, a, '[]')) FROM generate_series(1, 252) AS p,
       LATERAL (SELECT NEW.cidr::inet - inet '0.0.0.0' + p + 1 AS a) AS n WHERE get_bit(NEW.reserved, p - 1) = 0), NEW.gateway)
  WHEN 'range' THEN
    RAISE EXCEPTION 'range is taken' USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'network_range_free';
  WHEN 'gateway' THEN
    RAISE EXCEPTION 'gateway is taken' USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'network_gateway_free';
  ELSE RETURN NULL;
  END CASE;
END $$;
CREATE TRIGGER network_claims AFTER INSERT OR UPDATE OF interface, cidr, gateway, reserved ON network
  FOR EACH ROW WHEN (NEW.interface IS NOT NULL AND NEW.cidr IS NOT NULL) EXECUTE FUNCTION network_claims();

CREATE FUNCTION segment_unclaimed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM segment_claim WHERE owner = OLD.id;
  RETURN NULL;
END $$;
CREATE TRIGGER elastic_ip_pool_unclaimed AFTER DELETE ON elastic_ip_pool
  FOR EACH ROW EXECUTE FUNCTION segment_unclaimed();
CREATE TRIGGER network_unclaimed AFTER DELETE ON network
  FOR EACH ROW WHEN (OLD.interface IS NOT NULL) EXECUTE FUNCTION segment_unclaimed();

CREATE TABLE elastic_ip (
  id             text PRIMARY KEY,
  seq            bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  project_id     text NOT NULL REFERENCES project (id),
  name           text NOT NULL DEFAULT '',
  description    text NOT NULL DEFAULT '',
  tags           jsonb NOT NULL DEFAULT '{}',
  pool_id        text NOT NULL CONSTRAINT elastic_ip_pool_fk REFERENCES elastic_ip_pool (id),
  address        inet NOT NULL CONSTRAINT elastic_ip_address_key UNIQUE,
  bandwidth_mbps integer,
  nic_id         macaddr CONSTRAINT elastic_ip_nic_fk REFERENCES nic (id), -- nic_frees_elastic_ip goes before it
  vpc_id         text,
  -- Never false: with it elastic_ip_vpc_fk refuses deleting a VPC that has one.
  vpc_live       boolean GENERATED ALWAYS AS (CASE WHEN vpc_id IS NULL THEN NULL ELSE true END) STORED,
  -- Where a VPC's elastic IP stands: one hypervisor holds it for the whole VPC.
  hypervisor_id  text REFERENCES hypervisor (id),
  generation     integer NOT NULL DEFAULT 1,
  created_at     timestamptz NOT NULL DEFAULT now(),
  updated_at     timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT elastic_ip_one_holder CHECK (num_nonnulls(nic_id, vpc_id) <= 1),
  CONSTRAINT elastic_ip_vpc_on_hypervisor CHECK ((vpc_id IS NULL) = (hypervisor_id IS NULL)),
  CONSTRAINT elastic_ip_nic_key UNIQUE (nic_id),
  CONSTRAINT elastic_ip_vpc_key UNIQUE (vpc_id),
  CONSTRAINT elastic_ip_bandwidth_range CHECK (bandwidth_mbps BETWEEN 1 AND 100000),
  CONSTRAINT elastic_ip_vpc_fk FOREIGN KEY (vpc_id, project_id, vpc_live) REFERENCES vpc (id, project_id, live)
);
CREATE INDEX elastic_ip_project_seq ON elastic_ip (project_id, seq DESC);
CREATE INDEX elastic_ip_pool_address ON elastic_ip (pool_id, address);

-- A NIC that is deleted gives up its elastic IP, and the history of the address says so, whoever deletes it. The NIC is
-- locked by now: nobody associates it meanwhile.
CREATE FUNCTION nic_frees_elastic_ip() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  WITH freed AS (
    UPDATE elastic_ip SET nic_id = NULL, generation = generation + 1, updated_at = now() WHERE nic_id = OLD.id RETURNING *
  )
  INSERT INTO event (project_id, type, resource_type, resource_id, address, job_id, data)
  SELECT project_id, 'elastic_ip.disassociated', 'elastic_ip', id, address, OLD.job_id,
    jsonb_build_object('nic_id', OLD.id, 'vpc_id', NULL, 'pool_id', pool_id) FROM freed;
  RETURN OLD;
END $$;
CREATE TRIGGER nic_frees_elastic_ip BEFORE DELETE ON nic FOR EACH ROW EXECUTE FUNCTION nic_frees_elastic_ip();

CREATE TABLE port_forwarding (
  id          text PRIMARY KEY,
  seq         bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  project_id  text NOT NULL,
  vpc_id      text NOT NULL,
  vpc_cidr    cidr NOT NULL,
  vpc_live    boolean NOT NULL GENERATED ALWAYS AS (vpc_id IS NOT NULL) STORED, -- never false, as in network
  name        text NOT NULL DEFAULT '',
  protocol    forwarded_protocol NOT NULL,
  port        integer NOT NULL,
  address     inet NOT NULL,
  target_port integer NOT NULL,
  generation  integer NOT NULL DEFAULT 1,
  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT port_forwarding_vpc_fk FOREIGN KEY (vpc_id, project_id, vpc_cidr, vpc_live)
    REFERENCES vpc (id, project_id, cidr, live),
  CONSTRAINT port_forwarding_port_key UNIQUE (vpc_id, protocol, port),
  CONSTRAINT port_forwarding_port_range CHECK (port BETWEEN 1 AND 65535 AND target_port BETWEEN 1 AND 65535),
  CONSTRAINT port_forwarding_address_in_vpc CHECK (address << vpc_cidr AND masklen(address) = 32),
  -- Of the network's /24: not its own address, its gateway's or its broadcast.
  CONSTRAINT port_forwarding_address_of_host CHECK ((address - inet '0.0.0.0') & 255 NOT IN (0, 1, 255))
);
CREATE INDEX port_forwarding_vpc_seq ON port_forwarding (vpc_id, seq DESC);

-- A job may be about no server, and about things on several hypervisors: then it has a child on each, and ends with them.
ALTER TABLE job
  ALTER COLUMN server_id DROP NOT NULL,
  ALTER COLUMN hypervisor_id DROP NOT NULL,
  ADD COLUMN resources jsonb NOT NULL DEFAULT '[]', -- [{type, id}] besides its server and NICs
  ADD COLUMN parent_id text CONSTRAINT job_parent_fk REFERENCES job (id) ON DELETE CASCADE;
CREATE INDEX job_parent ON job (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX job_resources ON job USING gin (resources jsonb_path_ops);
