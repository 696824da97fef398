-- How far gap_repair has asked Upbit again, so that a restart between a wrong answer and the next repair
-- leaves nothing unasked.
CREATE TABLE repair_progress (
    symbol       text        PRIMARY KEY,
    looked_until timestamptz NOT NULL  -- exchange time, end of the newest minute asked for again, exclusive
);

GRANT SELECT, INSERT, UPDATE, DELETE ON repair_progress TO bongsu_collector;
GRANT SELECT ON repair_progress TO bongsu_health;
