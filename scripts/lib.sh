# shellcheck shell=bash
# What the scripts in this folder share: steps with their durations, and tools in pinned versions.
# Tools go into .cache/tools, a folder each version; nothing is installed on the machine itself.
# To source from a script: . "$(dirname "$0")/lib.sh". It goes to the root of the repository.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

TOOLS=$PWD/.cache/tools
BUF_VERSION=1.75.0
CARGO_DENY_VERSION=0.20.2
GRPCURL_VERSION=1.9.4
HELM_VERSION=4.3.1

bold='' red='' plain=''
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
  bold=$'\e[1m' red=$'\e[31m' plain=$'\e[0m'
fi

# note TEXT: one line for whoever watches.
note() { echo "    $*"; }

# fail TEXT: says why and ends the script.
fail() {
  echo "${red}failed: $*${plain}" >&2
  exit 1
}

# step TITLE COMMAND…: announces the command, runs it, and tells how long it took or that it failed.
# The command must be a program: a shell function would run on after its own failures here.
step() {
  local title=$1 start=$SECONDS
  shift
  echo "${bold}==> $title${plain}"
  "$@" || fail "$title (after $((SECONDS - start)) s)"
  note "$title: ok in $((SECONDS - start)) s"
}

# need PROGRAM: ends the script when the machine lacks it.
need() { command -v "$1" >/dev/null || fail "$1 is needed: $2"; }

# need_buf: puts buf on the PATH, from its Python package.
need_buf() {
  local home=$TOOLS/buf-$BUF_VERSION
  if [[ ! -x $home/bin/buf ]]; then
    need python3 "it installs buf $BUF_VERSION"
    note "installing buf $BUF_VERSION into .cache/tools"
    python3 -m venv "$home"
    "$home/bin/pip" install --quiet --disable-pip-version-check "buf-bin==$BUF_VERSION"
  fi
  PATH=$home/bin:$PATH
}

# need_helm, need_grpcurl: put them on the PATH, compiled by Go.
need_helm() { need_go_tool helm helm.sh/helm/v4/cmd/helm "$HELM_VERSION"; }
need_grpcurl() { need_go_tool grpcurl github.com/fullstorydev/grpcurl/cmd/grpcurl "$GRPCURL_VERSION"; }

# need_go_tool NAME PACKAGE VERSION
need_go_tool() {
  local home=$TOOLS/$1-$3
  if [[ ! -x $home/$1 ]]; then
    need go "it installs $1 $3"
    note "installing $1 $3 into .cache/tools (takes a minute)"
    GOBIN=$home go install "$2@v$3"
  fi
  PATH=$home:$PATH
}

# need_cargo_deny: makes `cargo deny` work.
need_cargo_deny() {
  local home=$TOOLS/cargo-deny-$CARGO_DENY_VERSION
  if [[ ! -x $home/bin/cargo-deny ]]; then
    note "compiling cargo-deny $CARGO_DENY_VERSION into .cache/tools (takes minutes)"
    cargo install --quiet --locked --root "$home" "cargo-deny@$CARGO_DENY_VERSION"
  fi
  PATH=$home/bin:$PATH
}

# need_postgres: installs PostgreSQL when the machine has no initdb of 15 or later.
need_postgres() {
  local initdb version
  for initdb in /usr/lib/postgresql/*/bin/initdb $(type -ap initdb); do
    [[ -x $initdb ]] || continue
    version=$("$initdb" --version | sed 's/.*) \([0-9]*\).*/\1/')
    [[ $version -ge 15 ]] && return
  done
  local become=()
  if [[ $EUID -ne 0 ]]; then
    command -v sudo >/dev/null || fail "PostgreSQL 15 or later is needed: install it, or run this as root"
    become=(sudo)
  fi
  command -v apt-get >/dev/null || fail "PostgreSQL 15 or later is needed: install its server"
  note "installing PostgreSQL (apt-get)" >&2
  "${become[@]}" apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive "${become[@]}" apt-get install -y -qq postgresql >&2
}
