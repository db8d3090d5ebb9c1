-- Sessions of browsers, which show an access key once and a cookie from then on.
CREATE TABLE session (
  token_hash    bytea PRIMARY KEY, -- SHA-256; only the cookie has the token itself
  access_key_id text NOT NULL CONSTRAINT session_access_key_fk REFERENCES access_key (id) ON DELETE CASCADE,
  created_at    timestamptz NOT NULL DEFAULT now(),
  expires_at    timestamptz NOT NULL,
  CONSTRAINT session_token_hash_size CHECK (length(token_hash) = 32),
  CONSTRAINT session_expires_later CHECK (expires_at > created_at)
);
CREATE INDEX session_access_key ON session (access_key_id);
