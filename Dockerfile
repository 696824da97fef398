# The images of compose.yaml. A service's image holds its own part of requirements.lock and nothing else:
#   docker build --target service --build-arg PART=services/health --build-arg PACKAGES="libs/common services/health" .
FROM python:3.11-slim AS tools
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 UV_NO_CACHE=1 UV_NO_PROGRESS=1 UV_COMPILE_BYTECODE=1
WORKDIR /build
COPY requirements-uv.lock .
RUN pip install --quiet --no-cache-dir --root-user-action ignore --require-hashes -r requirements-uv.lock \
 && uv venv --quiet --python "$(command -v python)" /opt/bongsu

FROM tools AS parts
# The folder with the lock, and the packages of ours that go in.
ARG PART
ARG PACKAGES
COPY ${PART}/requirements.lock .
RUN uv pip install --quiet --python /opt/bongsu --require-hashes -r requirements.lock
COPY libs libs
COPY services services
COPY simulators simulators
COPY cli cli
# Offline: uv builds these itself, and nothing comes in that the lock does not name.
RUN uv pip install --quiet --offline --no-sources --python /opt/bongsu --no-deps ${PACKAGES}

FROM python:3.11-slim AS service
RUN useradd --uid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin bongsu
# A library that counts processors would start a thread for each.
ENV PATH=/opt/bongsu/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 OPENBLAS_NUM_THREADS=1
COPY --from=parts /opt/bongsu /opt/bongsu
WORKDIR /app
USER 10001:10001

# The command `bongsu`, which also migrates and reconciles.
FROM service AS operator
COPY migrations migrations
CMD ["bongsu", "--help"]

# The official server, with our configuration and a folder that its user may write to.
FROM nats:2.11-alpine AS nats
RUN mkdir -m 0700 /data && chown 10001:10001 /data
COPY deploy/nats.conf /etc/nats/nats.conf
USER 10001:10001
CMD ["nats-server", "--config", "/etc/nats/nats.conf"]
