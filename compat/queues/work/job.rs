//! The work of a worker under test: asks the foreman how it ends.

use redis::streams::StreamId;
use std::env;
use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

pub fn handle(entry: &StreamId) -> Result<(), Box<dyn Error>> {
    let mut foreman = TcpStream::connect(format!("127.0.0.1:{}", env::var("FOREMAN")?))?;
    let mut words = vec![env::var("WORKER")?, entry.id.clone()];
    for name in entry.map.keys() {
        let value: String = entry.get(name).ok_or("a field that is no text")?;
        words.push(format!("{name}={value}"));
    }
    writeln!(foreman, "{}", words.join("\t"))?;
    let mut verdict = String::new();
    BufReader::new(foreman).read_line(&mut verdict)?;
    if verdict.trim() == "ok" { Ok(()) } else { Err(verdict.into()) }
}
