# Stands in for prom/prometheus: the server as the entrypoint, nobody as the user, wget, the folder of its data.
FROM bongsu-test/base
RUN install -d -o nobody -g nogroup /prometheus
USER nobody
VOLUME /prometheus
EXPOSE 9090
ENTRYPOINT ["prometheus"]
