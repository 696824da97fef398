-- What PostgreSQL leaves open to everybody is closed to all but those who need it: connecting to this database,
-- temporary tables, tables of one's own in `public`, and the functions that belong to bongsu_admin.

DO $$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO bongsu_collector, bongsu_signaler, bongsu_health',
        current_database());
END $$;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;

REVOKE EXECUTE ON FUNCTION system_config_revise() FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
