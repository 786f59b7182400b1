# Findme in one image: `findme bot` by default, `findme worker` for more hands.
FROM python:3.12-slim AS build
WORKDIR /app
COPY constraints-image.txt pyproject.toml README.md LICENSE ./
# Without what developers need: what isn't there can't be used by anybody who gets in.
RUN python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --require-hashes -r constraints-image.txt
COPY bot bot
COPY pipeline pipeline
COPY migrations migrations
RUN /venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
 && /venv/bin/pip uninstall --yes --quiet editables hatchling pathspec pluggy trove-classifiers pip

FROM python:3.12-slim
# libxcb and friends are not needed: OpenCV is the headless build.
RUN useradd --create-home --uid 10001 findme
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    FINDME_MODELS_DIR=/models \
    FINDME_DATA_DIR=/data \
    FINDME_HOST=0.0.0.0 \
    FINDME_PORT=3000
RUN mkdir -m 755 /models && mkdir -m 700 /data && chown findme /models /data
USER findme
# Into the image, so that a container starts without the internet.
RUN findme models pull
# All that is written while it runs goes to /data, and files without a name to /tmp; the rest of it,
# the home folder too, may be read-only (compose.yaml).
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:3000/healthz', timeout=4)"]
CMD ["findme", "bot"]
