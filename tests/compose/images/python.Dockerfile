# Stands in for python:3.11-slim: an interpreter called python, pip, bash.
FROM bongsu-test/base
ENV LANG=C.UTF-8
RUN rm -f /usr/lib/python3.11/EXTERNALLY-MANAGED && ln -s /usr/bin/python3 /usr/local/bin/python
CMD ["python3"]
