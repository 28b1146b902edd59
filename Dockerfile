# The command `chatgpt-browser` with a Chromium, run by a user that is not root.
# docs/how-to/docker.md explains how to use this image, and the reasons for each step.
FROM python:3.13-slim-bookworm

# Debian's headless build: half the size of a full Chromium, updated by `apt-get upgrade`.
# Playwright's driver needs libatomic1.
# hadolint ignore=DL3008 # always install the newest version of a browser
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        chromium-headless-shell fonts-dejavu-core libatomic1 \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY chatgpt_browser chatgpt_browser
# `chatgpt-browser demo`, which checks that the image works, needs the extra `testing`.
# hadolint ignore=DL3013 # pyproject.toml limits the versions
RUN pip install --no-cache-dir '.[cli,testing]'

# Chromium's sandbox does not work for root. The folder exists so that a volume that is
# mounted there belongs to this user.
RUN useradd --create-home --uid 1000 reader \
    && install -d -o reader -g reader -m 0700 /home/reader/data
USER 1000
WORKDIR /home/reader
ENV CHATGPT_DATA_DIR=/home/reader/data
VOLUME /home/reader/data

ENTRYPOINT ["chatgpt-browser"]
CMD ["--help"]
