# Sourced by compat/run: installs what the job libraries need, each by itself, into .cache/jobs/NAME.
#
# What a library's folder holds says what it needs:
#   requirements.txt    a venv, .cache/jobs/NAME/venv
#   package.json        node modules (with its package-lock.json), .cache/jobs/NAME/node_modules
#   packages.txt        Debian packages, a name a line
#   Cargo.toml          a program `jobs-NAME` (with its Cargo.lock), .cache/jobs/NAME/target

JOBS="$ROOT/compat/jobs"

# The names of all libraries: the folders that have a story to run.
job_libraries() {
  local folder
  for folder in "$JOBS"/*/; do
    folder="${folder%/}"
    [[ "$folder" == */shared ]] && continue
    [[ -n "$(compgen -G "$folder/story.*")" || -f "$folder/Cargo.toml" ]] && basename "$folder"
  done
  return 0
}

install_job_venv() { # library
  local venv="$CACHE/jobs/$1/venv"
  rm -rf "$venv"
  mkdir -p "${venv%/*}"
  python3 -m venv "$venv"
  # Everything is pinned, so nothing is left to be resolved.
  "$venv/bin/pip" install -q --no-deps -r "$JOBS/$1/requirements.txt"
}

install_job_modules() { # library
  local folder="$CACHE/jobs/$1"
  rm -rf "$folder/node_modules"
  mkdir -p "$folder"
  cp "$JOBS/$1/package.json" "$JOBS/$1/package-lock.json" "$folder/"
  (cd "$folder" && npm ci --no-audit --no-fund --loglevel=error </dev/null)
}

install_job_packages() { # library
  local package missing=()
  while read -r package; do
    [[ -z "$package" || "$package" == \#* ]] && continue
    [[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" == installed ]] ||
      missing+=("not-a-program-$package" "$package")
  done <"$JOBS/$1/packages.txt"
  need_programs "${missing[@]}"
}

build_job_program() { # library
  (cd "$JOBS/$1" && CARGO_TARGET_DIR="$CACHE/jobs/$1/target" cargo build --release --locked)
}

prepare_job_library() { # library
  local folder="$JOBS/$1"
  if [[ -f "$folder/requirements.txt" ]]; then
    once "jobs-$1-venv" "$(cat "$folder/requirements.txt"; python3 --version)" install_job_venv "$1"
  fi
  if [[ -f "$folder/package.json" ]]; then
    need_programs node nodejs npm npm
    once "jobs-$1-node" "$(cat "$folder/package-lock.json")" install_job_modules "$1"
  fi
  if [[ -f "$folder/packages.txt" ]]; then
    install_job_packages "$1"
  fi
  if [[ -f "$folder/Cargo.toml" ]]; then
    build_job_program "$1"
  fi
}
