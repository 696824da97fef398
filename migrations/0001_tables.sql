-- Every table of Bongsu, the indexes that their readers need, and who may touch what.
-- Roles exist before the first migration: bongsu_admin owns, bongsu_collector, bongsu_signaler, bongsu_health.

CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE TABLE market_data (
    symbol       text        NOT NULL,
    timestamp    timestamptz NOT NULL,  -- open time of the minute
    open         numeric     NOT NULL,
    high         numeric     NOT NULL,
    low          numeric     NOT NULL,
    close        numeric     NOT NULL,
    volume       numeric     NOT NULL,
    trade_value  numeric     NOT NULL,
    revision     integer     NOT NULL DEFAULT 1,
    source       text        NOT NULL,
    collected_at timestamptz NOT NULL,  -- exchange time of the answer the values come from
    CONSTRAINT market_data_minute CHECK (date_trunc('minute', timestamp, 'UTC') = timestamp),
    CONSTRAINT market_data_positive CHECK (low > 0 AND low <= high AND high < 'Infinity'),
    CONSTRAINT market_data_range CHECK (open BETWEEN low AND high AND close BETWEEN low AND high),
    CONSTRAINT market_data_amounts CHECK (
        volume >= 0 AND volume < 'Infinity' AND trade_value >= 0 AND trade_value < 'Infinity')
);
CREATE UNIQUE INDEX idx_market_data_symbol_timestamp ON market_data (symbol, timestamp DESC);

CREATE TABLE candle_gaps (
    symbol      text        NOT NULL,
    from_time   timestamptz NOT NULL,  -- first minute without a candle
    to_time     timestamptz NOT NULL,  -- end of the last one, exclusive
    status      text        NOT NULL CHECK (status IN ('open', 'repaired', 'confirmed_empty')),
    detected_at timestamptz NOT NULL DEFAULT now(),
    resolved_at timestamptz,
    evidence    text        NOT NULL,
    CHECK (from_time < to_time),
    CHECK ((status = 'open') = (resolved_at IS NULL)),
    PRIMARY KEY (symbol, from_time),
    CONSTRAINT candle_gaps_never_overlap
        EXCLUDE USING gist (symbol WITH =, tstzrange(from_time, to_time) WITH &&)
);
CREATE INDEX idx_candle_gaps_open ON candle_gaps (symbol, from_time) WHERE status = 'open';

CREATE TABLE trading_signals (
    id               uuid        PRIMARY KEY,
    symbol           text        NOT NULL,
    candle_timestamp timestamptz NOT NULL,  -- open time of the interval's last minute
    signal_type      text        NOT NULL CHECK (signal_type IN ('BUY', 'SELL', 'HOLD')),
    confidence       numeric     NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    reasoning        text        NOT NULL,
    source           text        NOT NULL CHECK (source IN ('gemini', 'rule')),
    cause            text,
    model_requested  text,
    model_served     text,
    prompt_version   text        NOT NULL,
    snapshot         jsonb       NOT NULL,
    request          text,
    response         text,
    input_tokens     integer,
    output_tokens    integer,
    latency_ms       numeric,
    cost_usd         numeric,
    price_at_signal  numeric     NOT NULL CHECK (price_at_signal > 0),
    config_revision  bigint      NOT NULL,
    trace_id         text        NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT trading_signals_symbol_candle_timestamp UNIQUE (symbol, candle_timestamp),
    CONSTRAINT trading_signals_rule_has_a_cause CHECK ((source = 'rule') = (cause IS NOT NULL))
);
CREATE INDEX idx_signal_created_desc ON trading_signals (created_at DESC);
CREATE INDEX idx_signal_type_created ON trading_signals (signal_type, created_at DESC);

CREATE TABLE gemini_usage (
    day           date    NOT NULL,  -- in America/Los_Angeles, where the vendor's day begins
    model         text    NOT NULL,
    requests      integer NOT NULL DEFAULT 0,
    cost_usd      numeric NOT NULL DEFAULT 0,
    blocked_until timestamptz,
    PRIMARY KEY (day, model)
);

CREATE TABLE orders (
    id               uuid        PRIMARY KEY,
    signal_id        uuid        REFERENCES trading_signals (id),
    symbol           text        NOT NULL,
    side             text        NOT NULL CHECK (side IN ('bid', 'ask')),
    order_type       text        NOT NULL CHECK (order_type IN ('limit', 'price', 'market', 'best')),
    status           text        NOT NULL,
    requested_amount numeric,
    requested_price  numeric,
    executed_price   numeric,
    executed_amount  numeric,
    fee              numeric,
    exchange_uuid    text,
    identifier       text        NOT NULL UNIQUE,
    error_message    text,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    executed_at      timestamptz
);
CREATE INDEX idx_order_status ON orders (status, created_at);
CREATE INDEX idx_order_created_desc ON orders (created_at DESC);

CREATE TABLE system_config (
    key        text        PRIMARY KEY,
    value      jsonb       NOT NULL,
    revision   bigint      NOT NULL,
    updated_at timestamptz NOT NULL,
    updated_by text        NOT NULL
);
CREATE TABLE system_config_history (
    revision   bigint      PRIMARY KEY,
    key        text        NOT NULL,
    value      jsonb,               -- null: the row was deleted, the default holds again
    updated_at timestamptz NOT NULL,
    updated_by text        NOT NULL
);

-- One global revision for all keys. Serialized by the lock, so revisions appear in commit order and
-- "the newest revision I know" is enough to see that something changed.
CREATE FUNCTION system_config_revise() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    next_revision bigint;
    author text;
BEGIN
    LOCK TABLE system_config_history IN SHARE ROW EXCLUSIVE MODE;
    SELECT coalesce(max(revision), 0) + 1 INTO next_revision FROM system_config_history;
    author := coalesce(nullif(current_setting('bongsu.changed_by', true), ''), session_user);
    IF TG_OP = 'DELETE' THEN
        INSERT INTO system_config_history VALUES (next_revision, OLD.key, NULL, clock_timestamp(), author);
        RETURN OLD;
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.key <> OLD.key THEN
        RAISE EXCEPTION 'a setting cannot be renamed: insert % and delete %', NEW.key, OLD.key;
    END IF;
    NEW.revision := next_revision;
    NEW.updated_at := clock_timestamp();
    NEW.updated_by := author;
    -- An upsert of a row that exists fires this as INSERT too; the UPDATE that follows is the change.
    IF TG_OP = 'INSERT' AND EXISTS (SELECT FROM system_config WHERE key = NEW.key) THEN
        RETURN NEW;
    END IF;
    INSERT INTO system_config_history
        VALUES (NEW.revision, NEW.key, NEW.value, NEW.updated_at, NEW.updated_by);
    RETURN NEW;
END $$;
CREATE TRIGGER system_config_revise BEFORE INSERT OR UPDATE OR DELETE ON system_config
    FOR EACH ROW EXECUTE FUNCTION system_config_revise();

-- The grants, all of them: each owner writes its own tables, everyone reads the settings.
GRANT SELECT, INSERT, UPDATE, DELETE ON market_data, candle_gaps TO bongsu_collector;
GRANT SELECT, INSERT, UPDATE, DELETE ON trading_signals, gemini_usage TO bongsu_signaler;
GRANT SELECT ON market_data, candle_gaps TO bongsu_signaler;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO bongsu_health;
GRANT SELECT ON system_config, system_config_history TO bongsu_collector, bongsu_signaler;
