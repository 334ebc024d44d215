# Sourced by compat/run: builds the Rust programs of docs/queues.md in .cache/queues.

build_queue_programs() {
  local folder="$CACHE/queues/rust"
  mkdir -p "$folder"
  cp "$ROOT/compat/queues/programs/"Cargo.* "$folder/"
  "$VENV/bin/python" "$ROOT/compat/queues/write_programs.py" "$folder/src/bin"
  (cd "$folder" && CARGO_TARGET_DIR="$CACHE/queues/target" cargo build --locked)
}
