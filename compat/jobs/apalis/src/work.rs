//! What the jobs do: digest a file, make a thumbnail, render a page; and, where a task has to last long
//! enough to be killed in, digest a whole folder many times over.

use std::fs;
use std::path::PathBuf;

use image::imageops::{self, FilterType};
use minijinja::{Environment, context};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const PICTURE_BYTES_MAX: u64 = 60_000;
const SIDE: u32 = 48;
const PACK_ROUNDS: u32 = 12;
const PAGE: &str = "<h1>Order {{ number }}</h1>
{% for line in lines %}<p>{{ loop.index }}: article {{ line }} &times; {{ line + number }}</p>
{% endfor %}";

/// What a task is about. The same kind and number give the same answer every time.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub enum Kind {
    Digest,
    Thumbnail,
    Page,
    Pack,
}

/// The kind of the task of this number; they take turns.
pub fn kind_of(number: usize) -> Kind {
    [Kind::Digest, Kind::Thumbnail, Kind::Page][number % 3]
}

/// Does a task's work.
pub fn perform(
    kind: Kind,
    number: usize,
) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let files = files(|_| true)?;
    match kind {
        Kind::Digest => Ok(hex(&Sha256::digest(fs::read(&files[number % files.len()])?))),
        Kind::Thumbnail => {
            let small = |path: &PathBuf| {
                path.extension().is_some_and(|ending| ending == "png")
                    && path.metadata().is_ok_and(|facts| facts.len() < PICTURE_BYTES_MAX)
            };
            let pictures = self::files(small)?;
            let picture = image::open(&pictures[number % pictures.len()])?;
            let thumbnail = imageops::resize(&picture.to_rgba8(), SIDE, SIDE, FilterType::Triangle);
            Ok(hex(&Sha256::digest(thumbnail.as_raw())))
        }
        Kind::Page => {
            let lines: Vec<usize> = (0..=number % 20).collect();
            Ok(Environment::new().render_str(PAGE, context! { number, lines })?)
        }
        Kind::Pack => {
            let mut digest = Sha256::new();
            for _ in 0..PACK_ROUNDS {
                for path in &files {
                    digest.update(fs::read(path)?);
                }
            }
            Ok(hex(&digest.finalize()))
        }
    }
}

fn files(
    wanted: impl Fn(&PathBuf) -> bool,
) -> Result<Vec<PathBuf>, Box<dyn std::error::Error + Send + Sync>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(std::env::var("JOBS_PICTURES")?)? {
        let path = entry?.path();
        if path.is_file() && wanted(&path) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
