#!/usr/bin/env bash
# The browser tests drive Debian's chromium. Installed when missing and when we may; else the tests say why they skip.
set -eu
command -v chromium >/dev/null 2>&1 && exit 0
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null
else
  echo "chromium is not installed and cannot be installed without root: browser tests will be skipped" >&2
fi
