# Stands where Grafana would: it answers the health check and does nothing else, for Grafana is in no package.
FROM bongsu-test/base
RUN install -d -o 472 -g 0 /var/lib/grafana /var/lib/grafana/dashboards && install -d /srv/api && echo ok >/srv/api/health
USER 472
VOLUME /var/lib/grafana
EXPOSE 3000
ENTRYPOINT ["python3", "-m", "http.server", "3000", "--directory", "/srv"]
