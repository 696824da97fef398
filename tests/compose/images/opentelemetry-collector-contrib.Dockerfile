# Stands in for the OpenTelemetry collector: takes OTLP on the same ports and prints what it was sent. The settings that
# the official one is started with, it does not read.
FROM bongsu-test/base
COPY rotel-agent /usr/local/bin/rotel-agent
EXPOSE 4317 4318
ENTRYPOINT ["sh", "-c", "exec rotel-agent start --exporter blackhole --pid-file /tmp/rotel.pid \
    --otlp-grpc-endpoint 0.0.0.0:4317 --otlp-http-endpoint 0.0.0.0:4318 \
    --debug-log traces --debug-log metrics --debug-log logs --debug-log-verbosity detailed"]
