# Stands in for nats:2.11-alpine: the server on the PATH, a shell and wget.
FROM bongsu-test/base
COPY nats-server /usr/local/bin/nats-server
EXPOSE 4222 8222 6222
CMD ["nats-server"]
