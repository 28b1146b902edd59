# The command `chatgpt-browser` and a Chromium, run by a user who is not root.
# docs/how-to/docker.md says how, and why so.
FROM python:3.13-slim-bookworm

# Debian's headless build: half the size of a whole Chromium, kept up to date by
# `apt-get upgrade`. libatomic1 is for Playwright's driver.
# hadolint ignore=DL3008 # of a browser, the newest version is the right one
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        chromium-headless-shell fonts-dejavu-core libatomic1 \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY chatgpt_browser chatgpt_browser
# `testing` is for `chatgpt-browser demo`, which shows that the image works.
# hadolint ignore=DL3013 # the versions are pyproject.toml's
RUN pip install --no-cache-dir '.[cli,testing]'

# Chromium's own sandbox is refused to root. The folder is there so that a volume that is
# mounted on it is the user's.
RUN useradd --create-home --uid 1000 reader \
    && install -d -o reader -g reader -m 0700 /home/reader/data
USER 1000
WORKDIR /home/reader
ENV CHATGPT_DATA_DIR=/home/reader/data
VOLUME /home/reader/data

ENTRYPOINT ["chatgpt-browser"]
CMD ["--help"]
