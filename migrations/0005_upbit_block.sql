-- Upbit blocks an address (418), so every collector behind it is silent, also one that starts during the block.
CREATE TABLE upbit_block (
    is_only        boolean          PRIMARY KEY DEFAULT true CHECK (is_only),
    blocked_until  timestamptz      NOT NULL,  -- wall time, by PostgreSQL's clock
    length_seconds double precision NOT NULL   -- the next block in a row is twice as long
);

GRANT SELECT, INSERT, UPDATE, DELETE ON upbit_block TO bongsu_collector;
GRANT SELECT ON upbit_block TO bongsu_health;
