# Build: docker build -t quarterdeck .
# Pinned by version: rebuilding takes in the base image's security fixes. For a build that must give the same bytes,
# name a digest: --build-arg PYTHON_IMAGE=python:3.13-slim-trixie@sha256:…
ARG PYTHON_IMAGE=python:3.13-slim-trixie

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_NO_INPUT=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /source

# Without pip: the image installs nothing any more. Only wheels, each with its hash, so no compiler is needed.
RUN python3 -m venv --without-pip /opt/quarterdeck
COPY requirements.lock ./
RUN python3 -m pip --python /opt/quarterdeck/bin/python install \
    --no-compile --no-deps --only-binary :all: --require-hashes --requirement requirements.lock

# The wheel builds the page first; its Node is a build requirement from PyPI and stays in this stage.
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY scripts/page.py scripts/fingerprint.py scripts/
COPY web-ui web-ui
COPY src src
# Compiled once, here: at run time nothing can be written beside the sources, and none of them changes.
RUN python3 -m pip --python /opt/quarterdeck/bin/python install --no-compile --no-deps . \
    && /opt/quarterdeck/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/quarterdeck/lib
COPY --chmod=0755 deploy/image/probe.py /opt/quarterdeck/bin/probe


FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="Quarterdeck" \
      org.opencontainers.image.description="A self-hosted AI chat server that keeps the log" \
      org.opencontainers.image.licenses="Apache-2.0"

# The numbers are fixed: volumes and clusters name them. Only /data and /tmp are written.
RUN groupadd --system --gid 10001 quarterdeck \
    && useradd --system --uid 10001 --gid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin quarterdeck \
    && install -d -o 10001 -g 10001 -m 0700 /data
COPY --from=build /opt/quarterdeck /opt/quarterdeck

ENV PATH=/opt/quarterdeck/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    QUARTERDECK_DATA_DIR=/data \
    QUARTERDECK_DISCOVER=false \
    QUARTERDECK_LOG_FORMAT=json
USER 10001:10001
WORKDIR /data
VOLUME ["/data"]

# No EXPOSE: the server listens on the container's loopback address, and a proxy in the same network namespace
# takes what comes from outside (docs/deployment.md).
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 CMD ["probe", "/healthz"]
ENTRYPOINT ["quarterdeck"]
CMD ["serve", "--no-browser"]
