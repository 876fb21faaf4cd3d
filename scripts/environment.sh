# Sourced by the scripts beside it: finds Python, keeps .venv up to date. POSIX sh, for Debian's dash as for macOS.
set -eu
unset CDPATH
cd -- "$(dirname -- "$0")/.."
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PYTHONUNBUFFERED=1

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

is_supported() {
  has "$1" && "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

has_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

can_install_packages() { [ "$(id -u)" = 0 ] && has apt-get; }

apt_install() { # apt_install PACKAGE…: quietly, with the list of packages fetched if it was not there
  export DEBIAN_FRONTEND=noninteractive
  apt-get install -yqq --no-install-recommends "$@" >/dev/null 2>&1 && return
  apt-get update -qq >/dev/null 2>&1 || true
  apt-get install -yqq --no-install-recommends "$@" >/dev/null 2>&1
}

find_python() { # sets python: the newest supported one that can make an environment
  python=
  for candidate in ${PYTHON:-} python3.13 python3.12 python3.11 python3; do
    is_supported "$candidate" || continue
    has_venv "$candidate" && python=$candidate && return
    python=${python:-$candidate}
  done
  [ -n "$python" ] || die "Quarterdeck needs Python 3.11, 3.12 or 3.13, and none of them was found here."
  package=$(basename "$python")-venv
  if can_install_packages; then say "Installing $package" && apt_install "$package"; fi
  has_venv "$python" || die "Python's venv module is missing: install it with \"apt-get install $package\" and try again."
}

make_environment() {
  is_supported .venv/bin/python && .venv/bin/python -c 'import pip' 2>/dev/null && return
  find_python
  say "Making the environment .venv with $("$python" --version)"
  "$python" -m venv --clear .venv
}

has_page() { [ -f src/quarterdeck/web/page/index.html ] || [ "${QUARTERDECK_SKIP_PAGE:-0}" != 0 ]; }

# make_ready LOCK STEPS: the environment as LOCK and these sources want it; does nothing if it is so already
make_ready() {
  make_environment
  PATH="$PWD/.venv/bin:$PATH"
  stamp=.venv/installed-$1
  now=$(python scripts/fingerprint.py "$1" pyproject.toml hatch_build.py web-ui)
  [ "$(cat "$stamp" 2>/dev/null)" = "$now" ] && has_page && return
  say "Installing the packages of $1 and building the page; the first time takes about a minute"
  "$2" "$1"
  echo "$now" >"$stamp"
}

# The lock is complete. Left to resolve, pip takes a newer release for a name with an extra, and then misses its hash.
install_packages() {
  python -m pip install -qq --no-deps --requirement "$1" || die "The packages could not be installed; pip says why above."
}

install_checkout() {
  python -m pip install -qq --no-deps --editable . || die "Quarterdeck could not be installed; pip says why above."
}

install_side_by_side() { # the page is built while the packages come
  (install_packages "$1") &
  packages=$!
  trap 'kill "$packages" 2>/dev/null || true' EXIT
  trap 'exit 130' INT TERM
  install_checkout
  wait "$packages" || exit 1
  trap - EXIT INT TERM
}

install_node_packages() { # of the page, the tests' OpenID provider, and the front ends that are tried
  python scripts/page.py packages
  python scripts/page.py packages tests/fakes/oidc
  python scripts/page.py packages tests/conformance/node
}

install_with_tools() { # Node comes with the packages, and web-ui keeps what its checks need
  install_packages "$1"
  install_node_packages
  [ "${QUARTERDECK_SKIP_PAGE:-0}" != 0 ] || python scripts/page.py
  install_checkout
}

install_for_use() { make_ready requirements.lock install_side_by_side; }

install_for_tests() {
  make_ready requirements-test.lock install_with_tools
  install_node_packages
}

# Without windows and menus it is the same browser, and takes a fifth to a third less.
find_chromium() { # prints the browser's path
  for candidate in "${QUARTERDECK_TEST_CHROMIUM:-}" chromium-headless-shell chromium chromium-browser google-chrome-stable google-chrome \
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" /Applications/Chromium.app/Contents/MacOS/Chromium; do
    [ -n "$candidate" ] && command -v "$candidate" && return
  done
  return 1
}

need_chromium() { # exports QUARTERDECK_TEST_CHROMIUM for the tests in a browser
  if ! find_chromium >/dev/null && can_install_packages; then
    say "Installing Chromium for the tests in a browser"
    apt_install chromium || true
  fi
  if [ -z "${QUARTERDECK_TEST_CHROMIUM:-}" ] && ! has chromium-headless-shell && can_install_packages &&
    apt-cache show chromium-headless-shell >/dev/null 2>&1; then
    apt_install chromium-headless-shell || true
  fi
  QUARTERDECK_TEST_CHROMIUM=$(find_chromium) || die "The tests in a browser need Chromium or Google Chrome: install one and try again."
  export QUARTERDECK_TEST_CHROMIUM
}

need_strace() { # the tests of a power cut record the server's system calls
  [ "$(uname)" = Linux ] || return 0
  if ! has strace && can_install_packages; then
    say "Installing strace for the tests of a power cut"
    apt_install strace || true
  fi
  has strace || die "The tests of a power cut need strace: install it and try again."
}
