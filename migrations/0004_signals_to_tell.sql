-- Stored signals that are not known to be on the bus yet: written with the signal, deleted once it was told.
CREATE TABLE signals_to_tell (
    signal_id uuid PRIMARY KEY REFERENCES trading_signals (id)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON signals_to_tell TO bongsu_signaler;
GRANT SELECT ON signals_to_tell TO bongsu_health;
